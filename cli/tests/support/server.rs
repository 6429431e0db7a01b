//! A server of the program, on a port of its own, killed when the test is over.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::program;

/// A server that answers.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    /// Starts the program and waits for the line that says where it listens. Its standard error goes to `name.log`.
    pub(crate) fn start(folder: &Path, name: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        let log = File::create(folder.join(format!("{name}.log"))).unwrap();
        let mut child = program::command(folder, variables, arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let out = child.stdout.take().unwrap();
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let line = lines.recv_timeout(DEADLINE).unwrap_or_else(|_silence| {
            child.kill().unwrap();
            let log = std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap();
            panic!("{arguments:?} is not ready: {log}")
        });
        let url = line.split_once("listening on ").unwrap_or_else(|| panic!("it says {line:?}")).1;
        Self { child, url: url.to_owned() }
    }

    /// Asks it to end, as an init system does, and returns its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let asked = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid]).status().unwrap();
        assert!(asked.success());
        ended(&mut self.child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended, or the test has failed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The exit code of a process that is about to end.
pub(crate) fn ended(child: &mut Child) -> Option<i32> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        assert!(began.elapsed() < DEADLINE, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

const DEADLINE: Duration = Duration::from_secs(120);
