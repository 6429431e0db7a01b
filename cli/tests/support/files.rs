//! A static server of a folder, as anybody may put one before the files of a log.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Serves a folder, each file with the hash of its bytes as its tag, and counts the bodies that it sent by path.
pub(crate) fn serve(public: &Path) -> (String, Arc<Mutex<BTreeMap<String, u64>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (public, sent) = (public.to_path_buf(), Arc::new(Mutex::new(BTreeMap::new())));
    let counts = Arc::clone(&sent);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut head).unwrap() > 2 {}
            let path = head.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
            let Ok(bytes) = fs::read(public.join(&path)) else {
                stream
                    .write_all(b"HTTP/1.1 404 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    .unwrap();
                continue;
            };
            let tag = format!("\"{}\"", sillok_log::merkle::leaf_hash(&bytes).to_hex());
            let same = head.contains(&tag);
            let (status, body) = if same { ("304 x", &[][..]) } else { ("200 x", bytes.as_slice()) };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nETag: {tag}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(&[answer.as_bytes(), body].concat()).unwrap();
            if !same {
                *counts.lock().unwrap().entry(path).or_default() += 1;
            }
        }
    });
    (url, sent)
}
