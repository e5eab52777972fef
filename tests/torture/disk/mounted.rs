use std::ffi::OsStr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::file::{File, SECTOR_BYTES};
use super::image::{Folder, Image, Node};
use super::{Shared, lock};

/// Nobody but the kernel's own programs changes anything, so what it knows stays true.
const KNOWN_FOR: Duration = Duration::from_secs(3_600);
const GENERATION: Generation = Generation(0);
/// Pages stay in the kernel's cache, which is what lets several programs map one file (SQLite's `-shm`).
const OPENED: FopenFlags = FopenFlags::FOPEN_KEEP_CACHE;

/// What the kernel talks to.
#[derive(Debug)]
pub(super) struct Mounted {
    shared: Arc<Mutex<Shared>>,
}

impl Mounted {
    pub(super) fn new(shared: Arc<Mutex<Shared>>) -> Self {
        Self { shared }
    }

    /// Reads, while there is power.
    fn read<T>(&self, read: impl FnOnce(&Image) -> Result<T, Errno>) -> Result<T, Errno> {
        let shared = lock(&self.shared);
        if shared.powered { read(&shared.image) } else { Err(Errno::EIO) }
    }

    /// Changes something, while there is power and nothing against it. `grows` is by how many bytes.
    fn change<T>(
        &self,
        grows: impl FnOnce(&Image) -> u64,
        change: impl FnOnce(&mut Image) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let mut shared = lock(&self.shared);
        if !shared.powered {
            return Err(Errno::EIO);
        }
        if shared.read_only {
            return Err(Errno::EROFS);
        }
        let grows = grows(&shared.image);
        if grows > 0 && shared.image.used_bytes().saturating_add(grows) > shared.bytes_max {
            return Err(Errno::ENOSPC);
        }
        change(&mut shared.image)
    }
}

fn attributes(number: u64, node: &Node) -> FileAttr {
    let (kind, size, perm) = match node {
        Node::File(file) => (FileType::RegularFile, file.len() as u64, 0o644),
        Node::Folder(_) => (FileType::Directory, 0, 0o755),
    };
    FileAttr {
        ino: INodeNo(number),
        size,
        blocks: size.div_ceil(SECTOR_BYTES as u64),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm,
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4_096,
        flags: 0,
    }
}

fn attributes_of(image: &Image, number: u64) -> Result<FileAttr, Errno> {
    Ok(attributes(number, image.node(number)?))
}

fn empty(result: Result<(), Errno>, reply: ReplyEmpty) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

fn entry(result: Result<FileAttr, Errno>, reply: ReplyEntry) {
    match result {
        Ok(attributes) => reply.entry(&KNOWN_FOR, &attributes, GENERATION),
        Err(error) => reply.error(error),
    }
}

fn size_of(bytes: u64) -> usize {
    usize::try_from(bytes).expect("64 bits")
}

impl Filesystem for Mounted {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = self.read(|image| attributes_of(image, image.find(parent.0, name)?));
        entry(found, reply);
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.read(|image| attributes_of(image, number.0)) {
            Ok(attributes) => reply.attr(&KNOWN_FOR, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _handle: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let grows = |image: &Image| {
            let old = image.file(number.0).map_or(0, |file| file.len() as u64);
            size.map_or(0, |new| new.saturating_sub(old))
        };
        let set = self.change(grows, |image| {
            if let Some(size) = size {
                image.file_mut(number.0)?.resize(size_of(size));
            }
            attributes_of(image, number.0)
        });
        match set {
            Ok(attributes) => reply.attr(&KNOWN_FOR, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        let made = self.change(
            |_| 0,
            |image| {
                let number = image.add(parent.0, name, Node::Folder(Folder::default()))?;
                attributes_of(image, number)
            },
        );
        entry(made, reply);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(self.change(|_| 0, |image| image.remove(parent.0, name)), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if parent != new_parent {
            return reply.error(Errno::EXDEV);
        }
        empty(self.change(|_| 0, |image| image.rename(parent.0, name, new)), reply);
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.read(|_| Ok(())) {
            Ok(()) => reply.opened(FileHandle(0), OPENED),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        let made = self.change(
            |_| 0,
            |image| {
                let number = image.add(parent.0, name, Node::File(File::default()))?;
                attributes_of(image, number)
            },
        );
        match made {
            Ok(attributes) => reply.created(&KNOWN_FOR, &attributes, GENERATION, FileHandle(0), OPENED),
            Err(error) => reply.error(error),
        }
    }

    fn read(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = |image: &Image| Ok(image.file(number.0)?.read(size_of(offset), size as usize).to_vec());
        match self.read(read) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let grows = |image: &Image| {
            let old = image.file(number.0).map_or(0, |file| file.len() as u64);
            (offset + data.len() as u64).saturating_sub(old)
        };
        let written = self.change(grows, |image| {
            image.file_mut(number.0)?.write(size_of(offset), data);
            Ok(())
        });
        match written {
            Ok(()) => reply.written(u32::try_from(data.len()).expect("the kernel writes less at a time")),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, number: INodeNo, _: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        lock(&self.shared).ask_fsync(number.0, reply);
    }

    fn fsyncdir(&self, _: &Request, number: INodeNo, _: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        lock(&self.shared).ask_fsync(number.0, reply);
    }

    fn readdir(&self, _: &Request, number: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let entries = self.read(|image| {
            let entries = image.folder(number.0)?.entries();
            let entry = |(name, number): (&std::ffi::OsString, &u64)| {
                let kind =
                    image.node(*number).map_or(FileType::RegularFile, |node| attributes(*number, node).kind);
                (name.clone(), *number, kind)
            };
            Ok(entries.iter().map(entry).collect::<Vec<_>>())
        });
        match entries {
            Ok(entries) => {
                for (at, (name, number, kind)) in entries.into_iter().enumerate().skip(size_of(offset)) {
                    if reply.add(INodeNo(number), at as u64 + 1, kind, name) {
                        break;
                    }
                }
                reply.ok();
            }
            Err(error) => reply.error(error),
        }
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let shared = lock(&self.shared);
        let free = shared.bytes_max.saturating_sub(shared.image.used_bytes()).min(1 << 40) / 4_096;
        reply.statfs(1 << 28, free, free, 1 << 20, 1 << 20, 4_096, 255, 4_096);
    }
}
