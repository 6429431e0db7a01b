//! What stands before the service: nginx, which does TLS. The suite speaks to nothing else in the way that implementers see.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::service::{SUBJECT, TYPE};

/// nginx with a certificate of its own making. It is stopped when this is dropped.
pub(crate) struct Front {
    process: Child,
    address: SocketAddr,
}

impl Front {
    pub(crate) fn start(
        (nginx, openssl): (&Path, &Path),
        scratch: &Path,
        upstream: SocketAddr,
    ) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let (certificate, key) = (scratch.join("certificate.pem"), scratch.join("key.pem"));
        let made = Command::new(openssl)
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
            ])
            .args(["-subj", "/CN=localhost", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .stdin(Stdio::null())
            .output()
            .context("start openssl")?;
        ensure!(
            made.status.success(),
            "openssl made no certificate: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let place = scratch.display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {place}/front-{name};"))
            .join(" ");
        let text = format!(
            "daemon off; worker_processes 1; pid {place}/front.pid; user root;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log off; {temporary}\n\
             server {{ listen {address} ssl; ssl_certificate {}; ssl_certificate_key {};\n\
             location / {{ proxy_pass http://{upstream}; proxy_http_version 1.1; }} }} }}\n",
            certificate.display(),
            key.display()
        );
        let file = scratch.join("front.conf");
        fs::write(&file, text)?;
        let mut process = Command::new(nginx)
            .arg("-c")
            .arg(&file)
            .arg("-e")
            .arg(scratch.join("front.log"))
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("start {}", nginx.display()))?;
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = process.try_wait()? {
                let log = fs::read_to_string(scratch.join("front.log")).unwrap_or_default();
                anyhow::bail!("nginx ended with {status}: {log}");
            }
            ensure!(begun.elapsed() < PATIENCE, "nginx does not listen on {address}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { process, address })
    }

    /// How the suite is told of an implementation.
    pub(crate) fn local_config(&self, issuer: &str, token: &str) -> Result<String> {
        let endpoint = |path: &str| {
            json!([{
                "id": issuer,
                "endpoint": format!("https://{}{path}", self.address),
                "options": { "type": TYPE, "subject": SUBJECT },
                "headers": { "Authorization": format!("Bearer {token}") },
                "tags": ["vc2.0", "EnvelopingProof"],
            }])
        };
        let mut verifiers = endpoint("/credentials/verify");
        let mut presentations = endpoint("/presentations/verify");
        verifiers[0]["options"] = json!({});
        presentations[0]["options"] = json!({});
        let config = json!({
            "settings": {},
            "implementations": [{
                "name": "Sillok",
                "implementation": "Sillok",
                "issuers": endpoint("/credentials/issue"),
                "verifiers": verifiers,
                "vpVerifiers": presentations,
            }],
        });
        Ok(format!("module.exports = {};\n", serde_json::to_string_pretty(&config)?))
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        drop(Command::new("kill").args(["-s", "TERM", &self.process.id().to_string()]).status());
        drop(self.process.wait());
    }
}

/// How long anything may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
