//! A registry on this machine: Debian's `docker-registry`, which is the real server, with a user and a password.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;

/// Whom it lets in.
pub const USER: &str = "gitlab-ci-token";
pub const PASSWORD: &str = "a-word:that&nobody\"prints";

/// A running registry, empty at first; ends with its value.
pub struct Registry {
    server: Child,
    /// Host and port.
    pub host: String,
    dir: tempfile::TempDir,
}

impl Registry {
    pub fn start() -> Registry {
        let dir = tempfile::Builder::new().prefix("xtask-registry-").tempdir().expect("a directory");
        let at = |name: &str| Utf8PathBuf::from_path_buf(dir.path().join(name)).expect("a UTF-8 path");
        let listed = Command::new("htpasswd").args(["-Bbn", USER, PASSWORD]).output().expect("htpasswd runs");
        assert!(listed.status.success());
        std::fs::write(at("users"), listed.stdout).expect("a file");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let host = format!("127.0.0.1:{port}");
        let settings = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
             http: {{addr: \"{host}\"}}\nauth: {{htpasswd: {{realm: tests, path: {}}}}}\n",
            at("data"),
            at("users")
        );
        std::fs::write(at("settings.yml"), settings).expect("a file");
        let log = std::fs::File::create(at("log")).expect("a file");
        let mut command = Command::new("docker-registry");
        command.args(["serve".into(), at("settings.yml")]).stdout(Stdio::null()).stderr(log);
        let server = command.spawn().expect("docker-registry starts");
        let started = Instant::now();
        while std::net::TcpStream::connect(&host).is_err() {
            assert!(started.elapsed() < Duration::from_secs(20), "docker-registry does not answer at {host}");
            std::thread::sleep(Duration::from_millis(50));
        }
        Registry { server, host, dir }
    }

    /// The variables that a job of GitLab has for it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("CI", "true".to_owned()),
            ("CI_REGISTRY", self.host.clone()),
            ("CI_REGISTRY_IMAGE", format!("{}/group/repo", self.host)),
            ("CI_REGISTRY_USER", USER.to_owned()),
            ("CI_REGISTRY_PASSWORD", PASSWORD.to_owned()),
        ]
    }

    /// The tags of a repository in it, as they lie on its disk.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        let tags =
            self.dir.path().join("data/docker/registry/v2/repositories").join(repository).join("_manifests/tags");
        let entries = std::fs::read_dir(tags).into_iter().flatten().flatten();
        entries.map(|it| it.file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
