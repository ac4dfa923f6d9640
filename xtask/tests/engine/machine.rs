//! A machine that can build images: buildah, emulation, base images, and a store of its own that goes away.
//!
//! Installs from Debian's packages what is not there. The base images are made by mmdebstrap from Debian's packages and
//! stand in for a registry's, under the registry's names; their file trees are kept in the cache directory.

use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use camino::{Utf8Path, Utf8PathBuf};

use crate::support::{self, Ran, Sandbox, finish};

/// What must be on `PATH`, and the packages that bring it.
const PROGRAMS: &[&str] = &["buildah", "mmdebstrap", "arch-test", "qemu-aarch64-static", "docker-registry", "htpasswd"];
const PACKAGES: &[&str] =
    &["buildah", "mmdebstrap", "arch-test", "qemu-user-static", "docker-registry", "apache2-utils"];
/// What the official image has of Debian's, as far as a Python program can tell.
const IN_BASE: &str = "usr-is-merged,python3,tzdata,netbase,apt,ca-certificates";
/// The pip of the base images.
const PIP: &str = "pip==25.3";
/// Switches the loopback interface on (SIOCSIFFLAGS, up and running), then becomes the command that follows.
const LOOPBACK: &str = "import fcntl, os, socket, struct, sys\n\
    fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh14x', b'lo', 0x41))\n\
    os.execvp(sys.argv[1], sys.argv[1:])";
/// The kernel's list of what it can emulate.
const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

/// A platform and the stand-in for its base image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    Amd64,
    Arm64,
}

impl Platform {
    pub fn arch(self) -> &'static str {
        match self {
            Platform::Amd64 => "amd64",
            Platform::Arm64 => "arm64",
        }
    }

    /// The name under which the settings know the base image when they say nothing.
    pub fn base(self) -> &'static str {
        match self {
            Platform::Amd64 => "docker.io/amd64/python:3.11-slim-bookworm",
            Platform::Arm64 => "docker.io/arm64v8/python:3.11-slim-bookworm",
        }
    }
}

/// The engine and its private store.
pub struct Machine {
    dir: Utf8PathBuf,
    cache: Utf8PathBuf,
    bases: Mutex<Vec<Platform>>,
}

/// The one machine that all tests of a run share; it goes away with the last of them.
pub fn get() -> Arc<Machine> {
    static MACHINE: Mutex<Weak<Machine>> = Mutex::new(Weak::new());
    let mut slot = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    slot.upgrade().unwrap_or_else(|| {
        let machine = Arc::new(Machine::set_up());
        *slot = Arc::downgrade(&machine);
        machine
    })
}

impl Machine {
    fn set_up() -> Machine {
        install();
        let cache = xtask::tools::cache_dir().expect("a cache directory").join("engine");
        std::fs::create_dir_all(&cache).expect("a directory");
        let temporary = tempfile::Builder::new().prefix("xtask-engine-").tempdir().expect("a directory").keep();
        let dir = Utf8PathBuf::from_path_buf(temporary).expect("a UTF-8 path");
        for name in ["tmp", "home"] {
            std::fs::create_dir(dir.join(name)).expect("a directory");
        }
        let machine = Machine { dir, cache, bases: Mutex::default() };
        // In a container whose own root is an overlay there is no second one.
        let works = |driver: &str| {
            let text = format!(
                "[storage]\ndriver = \"{driver}\"\ngraphroot = \"{0}/graph\"\nrunroot = \"{0}/run\"\n",
                machine.dir
            );
            std::fs::write(machine.dir.join("storage.conf"), text).expect("a file");
            machine.command("buildah", &["info"]).output().is_ok_and(|it| it.status.success())
        };
        assert!(["overlay", "vfs"].into_iter().any(works), "buildah can keep images in no way here: `buildah info`");
        machine
    }

    /// The variables that lead to the store.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        [("CONTAINERS_STORAGE_CONF", format!("{}/storage.conf", self.dir)), ("TMPDIR", format!("{}/tmp", self.dir))]
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).envs(self.variables()).env("HOME", self.dir.join("home"));
        command
    }

    /// buildah with this store; what it prints.
    pub fn buildah(&self, args: &[&str]) -> String {
        run(&mut self.command("buildah", args))
    }

    /// Runs a command in an image, as its user.
    pub fn run_in(&self, image: &str, args: &[&str]) -> String {
        let container = self.buildah(&["from", "--pull-never", image]);
        let container = container.trim();
        let output = self
            .command("timeout", &["60", "buildah", "run", "--isolation", "chroot", container, "--"])
            .args(args)
            .output()
            .expect("it runs");
        self.buildah(&["rm", container]);
        assert!(output.status.success(), "{args:?} in {image}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The same on a directory, with variables and without any network; the exit code and all that it printed.
    pub fn run_offline(&self, image: &str, dir: &Utf8Path, variables: &[(&str, &str)], args: &[&str]) -> (i32, String) {
        let container = self.buildah(&["from", "--pull-never", image]);
        let container = container.trim();
        let mount = format!("{dir}:{dir}");
        // A network of its own, with nothing in it but the machine itself, as docker's `none`: Jupyter talks to its kernels by it.
        let mut command = self.command("unshare", &["--net", "python3", "-c", LOOPBACK]);
        command.args(["timeout", "300", "buildah", "run", "--isolation", "chroot", "--volume", &mount]);
        for (name, value) in variables {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        command.args(["--workingdir", dir.as_str(), container, "--"]).args(args);
        let output = command.output().expect("it runs");
        self.buildah(&["rm", container]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stderr) + &text(&output.stdout))
    }

    /// Sees to it that an image with this machine's Rust is in the store, in place of a registry's; its name.
    pub fn rust(&self) -> &'static str {
        const NAME: &str = "localhost/rust:of-this-machine";
        let context = self.dir.join("rust");
        std::fs::create_dir_all(&context).expect("a directory");
        let root = run(Command::new("rustc").args(["--print", "sysroot"]));
        let host = run(Command::new("rustc").arg("-vV"));
        let host = host.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned();
        let mut tar = Command::new("tar");
        tar.args(["--create", "--dereference", "--exclude", "share", "--exclude", "etc", "--directory", root.trim()]);
        run(tar.arg("--file").arg(context.join("rust.tar")).args(["bin", "lib"]));
        let recipe = format!(
            "FROM {}\nRUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev\n\
             ADD rust.tar /usr/local/\nRUN rustc -vV | grep -q {host}\n",
            Platform::Amd64.base()
        );
        std::fs::write(context.join("Dockerfile"), recipe).expect("a file");
        let args = ["build", "--isolation", "chroot", "--pull-never", "--quiet", "--tag", NAME, context.as_str()];
        self.buildah(&args);
        std::fs::remove_dir_all(&context).expect("the directory can be removed");
        NAME
    }

    /// The binary under test with this engine and this store.
    pub fn xtask(&self, sandbox: &Sandbox, args: &[&str]) -> Ran {
        finish(sandbox.command(args).envs(self.variables()))
    }

    /// Sees to it that the base image of a platform is in the store.
    pub fn base(&self, platform: Platform) {
        let mut there = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        if there.contains(&platform) {
            return;
        }
        if platform.arch() != xtask::tools::platform().trim_start_matches("linux-") {
            emulate();
        }
        let tree = self.tree(platform);
        let context = self.dir.join(platform.arch());
        std::fs::create_dir_all(&context).expect("a directory");
        std::fs::copy(&tree, context.join("rootfs.tar")).expect("a copy");
        let recipe = "FROM scratch\nADD rootfs.tar /\nENV LANG=C.UTF-8\nCMD [\"python3\"]\n";
        std::fs::write(context.join("Dockerfile"), recipe).expect("a file");
        let of = format!("linux/{}", platform.arch());
        self.buildah(&[
            "build",
            "--isolation",
            "chroot",
            "--platform",
            &of,
            "--quiet",
            "--tag",
            platform.base(),
            context.as_str(),
        ]);
        std::fs::remove_dir_all(&context).expect("the directory can be removed");
        there.push(platform);
    }

    /// The file tree of a base image as an archive, from the cache or made anew.
    fn tree(&self, platform: Platform) -> Utf8PathBuf {
        let id = &xtask::sources::sha256(format!("{IN_BASE} {PIP}").as_bytes())[..8];
        let kept = self.cache.join(format!("bookworm-{}-{id}.tar", platform.arch()));
        if kept.is_file() {
            return kept;
        }
        eprintln!("making the base image for {} from Debian's packages: about a minute", platform.arch());
        let pip = self.dir.join("pip");
        run(Command::new(support::uv())
            .args(["pip", "install", "--quiet", "--python", "python3", PIP, "--target"])
            .arg(&pip));
        let hook = format!(
            "set -e; L=$1/usr/local/lib/python3.11/dist-packages; mkdir -p $L $1/usr/local/bin; cp -r {pip}/pip {pip}/pip-* $L; \
             printf '#!/usr/bin/python3\\nimport sys\\nfrom pip._internal.cli.main import main\\nsys.exit(main())\\n' > $1/usr/local/bin/pip; \
             chmod 755 $1/usr/local/bin/pip; ln -sf /usr/bin/python3 $1/usr/local/bin/python; \
             rm -f $1/usr/lib/python3.11/EXTERNALLY-MANAGED"
        );
        let part = Utf8PathBuf::from(format!("{kept}.{}.tar", std::process::id()));
        let mut make = Command::new("mmdebstrap");
        make.args(["--variant=essential", "--mode=root", "--dpkgopt=force-unsafe-io"]);
        make.arg(format!("--architectures={}", platform.arch())).arg(format!("--include={IN_BASE}"));
        make.args(["--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr", "--aptopt=Acquire::Languages \"none\""]);
        for path in ["man", "locale", "doc"] {
            make.arg(format!("--dpkgopt=path-exclude=/usr/share/{path}/*"));
        }
        make.arg("--dpkgopt=path-include=/usr/share/doc/*/copyright").arg(format!("--customize-hook={hook}"));
        run(make.arg("bookworm").arg(&part));
        std::fs::rename(&part, &kept).expect("the archive can be renamed");
        kept
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // A build that was ended leaves its mounts behind, the deepest last; a directory with a mount in it must stay.
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let ours = mounts
            .lines()
            .filter_map(|line| line.split(' ').nth(1))
            .filter(|it| Utf8Path::new(it).starts_with(&self.dir));
        for mount in ours.collect::<Vec<_>>().into_iter().rev() {
            let _ = Command::new("umount").arg(mount).status();
        }
        let left = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        if left.contains(self.dir.as_str()) || std::fs::remove_dir_all(&self.dir).is_err() {
            eprintln!("{} could not be removed", self.dir);
        }
    }
}

/// Installs what is not there.
fn install() {
    let missing: Vec<&str> = PROGRAMS.iter().copied().filter(|it| xtask::proc::find_on_path(it).is_none()).collect();
    if missing.is_empty() {
        return;
    }
    let command = format!("apt-get install -y --no-install-recommends {}", PACKAGES.join(" "));
    let is_root = run(Command::new("id").arg("-u")).trim() == "0";
    assert!(
        is_root && xtask::proc::find_on_path("apt-get").is_some(),
        "{} not there, and only root on a Debian can install it; run: sudo {command}",
        missing.join(", ")
    );
    eprintln!("installing {}", PACKAGES.join(" "));
    run(apt_get().args(["update", "-q"]));
    run(apt_get().args(["install", "-y", "-q", "--no-install-recommends"]).args(PACKAGES));
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Has the kernel run arm64 programs through qemu, also below another root.
fn emulate() {
    let register = Utf8Path::new(BINFMT).join("register");
    if !register.exists() {
        run(Command::new("mount").args(["-t", "binfmt_misc", "binfmt_misc", BINFMT]));
    }
    if !Utf8Path::new(BINFMT).join("qemu-aarch64").exists() {
        let line = std::fs::read("/usr/lib/binfmt.d/qemu-aarch64.conf").expect("qemu-user-static has this file");
        std::fs::write(&register, line).expect("the kernel takes it; a container needs --privileged for this");
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?} ended with {}:\n{said}\n{words}", output.status);
    said.into_owned()
}
