//! Frames of a camera that looks at a screen: a code turned, tilted, blurred, in little and uneven light, with noise. The same
//! seed makes the same frame.

use fastrand::Rng;
use sillok_qr::Code;

/// Brightness, a byte a pixel.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) luma: Vec<u8>,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// How a camera sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Camera {
    /// Pixels of the frame.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// The part of the frame's height that the code and its margin take.
    pub(crate) fill: f64,
    /// Turn, in degrees.
    pub(crate) turn: f64,
    /// How much nearer one side is than the other, across and upright: 0.2 is a fifth.
    pub(crate) tilt: (f64, f64),
    /// Radius of the blur, in pixels.
    pub(crate) blur: usize,
    /// Brightness of black and of white.
    pub(crate) range: (f64, f64),
    /// How much darker the darker side is, as a part of white.
    pub(crate) shade: f64,
    /// Noise of the sensor, standard deviation in steps of brightness.
    pub(crate) noise: f64,
}

/// A camera on a stand, before a bright screen.
pub(crate) const STEADY: Camera = Camera {
    width: 1_280,
    height: 720,
    fill: 0.8,
    turn: 0.0,
    tilt: (0.0, 0.0),
    blur: 0,
    range: (10.0, 235.0),
    shade: 0.0,
    noise: 2.0,
};

/// The camera of one frame of a set.
pub(crate) type Vary = fn(&mut Rng) -> Camera;

/// What the frames of a set have in common, and how a seed varies them.
pub(crate) const SETS: [(&str, Vary); 6] = [
    ("clean", |_random| STEADY),
    ("turned", |random| Camera { turn: between(random, -180.0, 180.0), noise: 4.0, fill: 0.66, ..STEADY }),
    ("skewed", |random| Camera {
        turn: between(random, -12.0, 12.0),
        tilt: (between(random, -0.25, 0.25), between(random, -0.25, 0.25)),
        noise: 4.0,
        ..STEADY
    }),
    ("blurred", |random| Camera {
        turn: between(random, -6.0, 6.0),
        blur: 1,
        noise: 4.0,
        fill: 0.86,
        ..STEADY
    }),
    ("dim", |random| Camera {
        turn: between(random, -6.0, 6.0),
        range: (12.0, between(random, 40.0, 60.0)),
        shade: 0.4,
        noise: 3.0,
        ..STEADY
    }),
    ("all", |random| Camera {
        turn: between(random, -10.0, 10.0),
        tilt: (between(random, -0.12, 0.12), between(random, -0.12, 0.12)),
        blur: 1,
        range: (25.0, 150.0),
        shade: 0.3,
        noise: 4.0,
        fill: 0.86,
        ..STEADY
    }),
];

fn between(random: &mut Rng, low: f64, high: f64) -> f64 {
    low + random.f64() * (high - low)
}

/// The code as this camera sees it.
pub(crate) fn photograph(code: &Code, camera: &Camera, random: &mut Rng) -> Frame {
    let plane = Plane::new(code, camera);
    let (width, height) = (camera.width as usize, camera.height as usize);
    let mut light = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            light.push(plane.light(x as f64, y as f64));
        }
    }
    for _pass in 0..camera.blur * 2 {
        light = blurred(&light, width, height);
    }
    let (black, white) = camera.range;
    let shaded = |x: usize, y: usize| 1.0 - camera.shade * (x + y) as f64 / (width + height) as f64;
    let luma = light.iter().enumerate().map(|(at, light)| {
        let seen = (black + light * (white - black)) * shaded(at % width, at / width);
        // The sum of four is near enough to what a sensor does.
        let noise = (0..4).map(|_| random.f64() - 0.5).sum::<f64>() * camera.noise * 1.73;
        (seen + noise).clamp(0.0, 255.0) as u8
    });
    Frame { luma: luma.collect(), width: camera.width, height: camera.height }
}

/// The code on a white plane in space, looked at through a hole.
struct Plane<'a> {
    code: &'a Code,
    /// From pixels to modules, homogeneous.
    to_modules: [f64; 9],
}

impl<'a> Plane<'a> {
    fn new(code: &'a Code, camera: &Camera) -> Self {
        let modules = code.side() as f64 + 8.0;
        let scale = f64::from(camera.height) * camera.fill / modules;
        let (sine, cosine) = camera.turn.to_radians().sin_cos();
        // Modules around the middle, turned and scaled; the last row is the tilt.
        let (across, upright) = (camera.tilt.0 / modules, camera.tilt.1 / modules);
        let (x, y) = (f64::from(camera.width) / 2.0, f64::from(camera.height) / 2.0);
        let forward = [
            scale * cosine + x * across,
            -scale * sine + x * upright,
            x,
            scale * sine + y * across,
            scale * cosine + y * upright,
            y,
            across,
            upright,
            1.0,
        ];
        Self { code, to_modules: inverse(&forward) }
    }

    /// From 0, black, to 1: four samples of the pixel.
    fn light(&self, x: f64, y: f64) -> f64 {
        let samples = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)];
        let dark = samples.iter().filter(|(right, down)| self.is_dark(x + right, y + down)).count();
        1.0 - dark as f64 / 4.0
    }

    fn is_dark(&self, x: f64, y: f64) -> bool {
        let [a, b, c, d, e, f, g, h, i] = self.to_modules;
        let depth = g * x + h * y + i;
        let middle = self.code.side() as f64 / 2.0;
        let (column, row) = ((a * x + b * y + c) / depth + middle, (d * x + e * y + f) / depth + middle);
        column >= 0.0 && row >= 0.0 && self.code.is_dark(row as usize, column as usize)
    }
}

/// Of a matrix of three rows, up to a factor.
fn inverse(matrix: &[f64; 9]) -> [f64; 9] {
    let [a, b, c, d, e, f, g, h, i] = *matrix;
    [
        e * i - f * h,
        c * h - b * i,
        b * f - c * e,
        f * g - d * i,
        a * i - c * g,
        c * d - a * f,
        d * h - e * g,
        b * g - a * h,
        a * e - b * d,
    ]
}

/// Each pixel as the mean of the nine around it.
fn blurred(light: &[f64], width: usize, height: usize) -> Vec<f64> {
    let mut result = Vec::with_capacity(light.len());
    for y in 0..height {
        for x in 0..width {
            let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
            let rows = [y.saturating_sub(1), y, (y + 1).min(height - 1)];
            let sum: f64 =
                rows.iter().flat_map(|row| [left, x, right].map(|column| light[row * width + column])).sum();
            result.push(sum / 9.0);
        }
    }
    result
}
