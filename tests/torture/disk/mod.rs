//! A disk that can fail: a small file system through FUSE that keeps apart what was synced and what was not, and on a cut
//! forgets the difference, wholly or in part. It can also fail an fsync or hold it back, run out of space, and flip a
//! bit.
//!
//! Needs Linux, `/dev/fuse`, and the right to mount (root, or `fusermount3` of the package fuse3).

mod file;
mod image;
mod mounted;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuser::{BackgroundSession, Config, MountOption, ReplyEmpty};
use tempfile::TempDir;
use tokio::sync::watch;

pub(crate) use image::Cut;
use image::Image;
use mounted::Mounted;

/// What becomes of an fsync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fsync {
    /// It works.
    #[default]
    Works,
    /// It fails with EIO, and what it should have written never reaches the platters.
    Fails,
    /// It waits until the gate opens.
    Waits,
}

/// What the mounted file system and the test share.
#[derive(Debug)]
pub(super) struct Shared {
    image: Image,
    fsync: Fsync,
    /// Those who wait at the gate: the file, and where to answer.
    waiting: Vec<(u64, ReplyEmpty)>,
    /// Without power nothing works.
    powered: bool,
    /// How many bytes all files may have together.
    bytes_max: u64,
    /// Nothing may be written.
    read_only: bool,
    /// At which fsync from now the power goes, counted from 1.
    fsyncs_left: Option<u64>,
    /// Counts fsyncs that were asked for, and those that failed.
    fsyncs: watch::Sender<(u64, u64)>,
}

/// A disk.
#[derive(Debug)]
pub(crate) struct Disk {
    shared: Arc<Mutex<Shared>>,
    mounted: Option<BackgroundSession>,
    folder: TempDir,
}

pub(super) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// An empty disk, mounted.
    pub(crate) fn new() -> Self {
        let shared = Shared {
            image: Image::default(),
            fsync: Fsync::Works,
            waiting: Vec::new(),
            powered: true,
            bytes_max: u64::MAX,
            read_only: false,
            fsyncs_left: None,
            fsyncs: watch::channel((0, 0)).0,
        };
        let folder = TempDir::new().expect("a temporary folder");
        let mut disk = Self { shared: Arc::new(Mutex::new(shared)), mounted: None, folder };
        disk.mount();
        disk
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder for the server's data.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    fn mount(&mut self) {
        let mut config = Config::default();
        config.mount_options =
            vec![MountOption::FSName("teahouse-torture".into()), MountOption::NoAtime, MountOption::RW];
        let mounted = fuser::spawn_mount(Mounted::new(Arc::clone(&self.shared)), self.folder.path(), &config);
        self.mounted = Some(mounted.unwrap_or_else(|error| {
            panic!(
                "the disk of this test cannot be mounted ({error}): it needs Linux, /dev/fuse, and root or \
                 fusermount3 of the package fuse3"
            )
        }));
    }

    fn unmount(&mut self) {
        self.mounted.take().map_or(Ok(()), unmounted).expect("nobody uses the disk any more");
    }

    /// The power goes: from now on nothing works, and what was not synced is lost. Call [`Disk::power_on`] when the
    /// programs that used the disk have ended.
    pub(crate) fn cut(&self, how: Cut<'_>) {
        let mut shared = self.lock();
        shared.powered = false;
        shared.image.cut(how);
        for (_, reply) in std::mem::take(&mut shared.waiting) {
            reply.error(fuser::Errno::EIO);
        }
    }

    /// The power is back, and everything else works again too.
    pub(crate) fn power_on(&mut self) {
        self.unmount();
        let mut shared = self.lock();
        shared.powered = true;
        shared.fsyncs_left = None;
        shared.fsync = Fsync::Works;
        shared.read_only = false;
        shared.bytes_max = u64::MAX;
        drop(shared);
        self.mount();
    }

    /// Says what becomes of every fsync from now on; those who wait get through when they need not wait any more.
    pub(crate) fn set_fsync(&self, fsync: Fsync) {
        let mut shared = self.lock();
        shared.fsync = fsync;
        if fsync != Fsync::Waits {
            for (number, reply) in std::mem::take(&mut shared.waiting) {
                shared.answer_fsync(number, reply);
            }
        }
    }

    /// Waits until so many further fsyncs have been asked for.
    pub(crate) fn fsyncs(&self, more: u64) -> impl Future<Output = ()> + use<> {
        let mut fsyncs = self.lock().fsyncs.subscribe();
        let goal = fsyncs.borrow().0 + more;
        async move {
            let reached = fsyncs.wait_for(|(asked, _)| *asked >= goal);
            teahouse_tests::wait::within("fsyncs", reached).await.expect("the disk is there");
        }
    }

    /// Lets the power go when the fsync of this number from now on is asked for: it is the first that does not work.
    /// Gives what waits for that. [`Disk::cut`] then says what is left.
    pub(crate) fn lose_power_at_fsync(&self, number: u64) -> impl Future<Output = ()> + use<> {
        self.lock().fsyncs_left = Some(number);
        self.fsyncs(number)
    }

    /// How many fsyncs wait at the gate.
    pub(crate) fn fsyncs_waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// How many fsyncs failed so far.
    pub(crate) fn fsyncs_failed(&self) -> u64 {
        self.lock().fsyncs.borrow().1
    }

    /// Leaves so many free bytes; `None` takes the limit away.
    pub(crate) fn leave_free(&self, bytes: Option<u64>) {
        let mut shared = self.lock();
        shared.bytes_max = bytes.map_or(u64::MAX, |bytes| shared.image.used_bytes() + bytes);
    }

    /// Lets nothing be written, or everything again.
    pub(crate) fn set_read_only(&self, read_only: bool) {
        self.lock().read_only = read_only;
    }

    /// Copies the data to a folder of the machine's own disk, to be looked at.
    pub(crate) fn copy_of_data(&self) -> TempDir {
        let copy = TempDir::new().expect("a temporary folder");
        let shared = self.lock();
        let data = shared.image.find_path("data").expect("the server has made it");
        for (name, bytes) in shared.image.files_of(data) {
            fs::write(copy.path().join(name), bytes).expect("the machine's own disk works");
        }
        copy
    }

    /// Flips one bit of the last place where `text` stands in a file of the data. Answers whether there was one. The disk
    /// must not be in use.
    pub(crate) fn flip_bit_in(&mut self, file: &str, text: &str, random: &mut fastrand::Rng) -> bool {
        self.unmount();
        let mut shared = self.lock();
        let number = shared.image.find_path(&format!("data/{file}")).expect("the server has made it");
        let file = shared.image.file_mut(number).expect("a file");
        let places = file.bytes().windows(text.len());
        let found =
            places.enumerate().filter(|(_, window)| *window == text.as_bytes()).map(|(at, _)| at).next_back();
        if let Some(at) = found {
            let at = at + random.usize(..text.len());
            let flipped = file.bytes()[at] ^ (1 << random.u8(..8));
            file.write(at, &[flipped]);
            file.sync();
        }
        drop(shared);
        self.mount();
        found.is_some()
    }
}

impl Shared {
    fn ask_fsync(&mut self, number: u64, reply: ReplyEmpty) {
        if let Some(left) = &mut self.fsyncs_left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.powered = false;
            }
        }
        self.fsyncs.send_modify(|(asked, _)| *asked += 1);
        self.answer_fsync(number, reply);
    }

    fn answer_fsync(&mut self, number: u64, reply: ReplyEmpty) {
        if !self.powered {
            return reply.error(fuser::Errno::EIO);
        }
        match self.fsync {
            Fsync::Works => match self.image.sync(number) {
                Ok(()) => reply.ok(),
                Err(error) => reply.error(error),
            },
            Fsync::Fails => {
                if let Ok(file) = self.image.file_mut(number) {
                    file.abandon();
                }
                self.fsyncs.send_modify(|(_, failed)| *failed += 1);
                reply.error(fuser::Errno::EIO);
            }
            Fsync::Waits => self.waiting.push((number, reply)),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A waiting fsync would keep the server, and so the mount, for ever.
        let mut shared = self.lock();
        shared.powered = false;
        for (_, reply) in std::mem::take(&mut shared.waiting) {
            reply.error(fuser::Errno::EIO);
        }
        drop(shared);
        let Some(mounted) = self.mounted.take() else { return };
        if std::thread::panicking() {
            // The server may still be ending; the mount goes when it has.
            let _ = std::process::Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
            std::mem::forget(mounted);
        } else {
            unmounted(mounted).expect("nobody uses the disk any more");
        }
    }
}

fn unmounted(mounted: BackgroundSession) -> io::Result<()> {
    match mounted.umount_and_join() {
        // How the kernel may tell the session's thread, which was about to read, that it is over.
        Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => Ok(()),
        ended => ended,
    }
}
