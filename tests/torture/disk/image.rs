use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use fuser::Errno;

use super::file::File;

/// The number of the root folder.
pub(super) const ROOT: u64 = 1;

/// A file or folder.
#[derive(Debug, Clone)]
pub(super) enum Node {
    File(File),
    Folder(Folder),
}

/// A folder: its entries as programs see them, and those on the platters.
#[derive(Debug, Default, Clone)]
pub(super) struct Folder {
    now: BTreeMap<OsString, u64>,
    synced: BTreeMap<OsString, u64>,
    /// How the entries looked after each change since the last fsync, oldest first.
    since: Vec<BTreeMap<OsString, u64>>,
}

/// Everything on a disk.
#[derive(Debug)]
pub(super) struct Image {
    nodes: BTreeMap<u64, Node>,
    next: u64,
}

/// What a cut leaves of writes that were not synced.
#[derive(Debug)]
pub(crate) enum Cut<'a> {
    /// Nothing.
    Clean,
    /// Some sectors, sizes and folder entries, as chance will have it.
    Torn(&'a mut fastrand::Rng),
}

impl Default for Image {
    fn default() -> Self {
        let root = Node::Folder(Folder::default());
        Self { nodes: BTreeMap::from([(ROOT, root)]), next: ROOT + 1 }
    }
}

impl Folder {
    fn change(&mut self, change: impl FnOnce(&mut BTreeMap<OsString, u64>)) {
        change(&mut self.now);
        self.since.push(self.now.clone());
    }

    pub(super) fn entries(&self) -> &BTreeMap<OsString, u64> {
        &self.now
    }

    fn sync(&mut self) {
        self.synced.clone_from(&self.now);
        self.since.clear();
    }

    /// Changes of a folder reach the platters in their order, as a journal writes them.
    fn cut(&self, chance: Option<&mut fastrand::Rng>) -> Self {
        let kept = chance.map_or(0, |random| random.usize(..=self.since.len()));
        let left = kept.checked_sub(1).map_or(&self.synced, |last| &self.since[last]).clone();
        Self { now: left.clone(), synced: left, since: Vec::new() }
    }
}

impl Image {
    pub(super) fn node(&self, number: u64) -> Result<&Node, Errno> {
        self.nodes.get(&number).ok_or(Errno::ENOENT)
    }

    pub(super) fn file(&self, number: u64) -> Result<&File, Errno> {
        match self.node(number)? {
            Node::File(file) => Ok(file),
            Node::Folder(_) => Err(Errno::EISDIR),
        }
    }

    pub(super) fn file_mut(&mut self, number: u64) -> Result<&mut File, Errno> {
        match self.nodes.get_mut(&number).ok_or(Errno::ENOENT)? {
            Node::File(file) => Ok(file),
            Node::Folder(_) => Err(Errno::EISDIR),
        }
    }

    pub(super) fn folder(&self, number: u64) -> Result<&Folder, Errno> {
        match self.node(number)? {
            Node::Folder(folder) => Ok(folder),
            Node::File(_) => Err(Errno::ENOTDIR),
        }
    }

    fn folder_mut(&mut self, number: u64) -> Result<&mut Folder, Errno> {
        match self.nodes.get_mut(&number).ok_or(Errno::ENOENT)? {
            Node::Folder(folder) => Ok(folder),
            Node::File(_) => Err(Errno::ENOTDIR),
        }
    }

    pub(super) fn find(&self, parent: u64, name: &OsStr) -> Result<u64, Errno> {
        self.folder(parent)?.now.get(name).copied().ok_or(Errno::ENOENT)
    }

    pub(super) fn add(&mut self, parent: u64, name: &OsStr, node: Node) -> Result<u64, Errno> {
        if self.find(parent, name).is_ok() {
            return Err(Errno::EEXIST);
        }
        let number = self.next;
        self.folder_mut(parent)?.change(|entries| {
            entries.insert(name.to_owned(), number);
        });
        self.nodes.insert(number, node);
        self.next += 1;
        Ok(number)
    }

    /// Takes the name away. The file stays for those who have it open.
    pub(super) fn remove(&mut self, parent: u64, name: &OsStr) -> Result<(), Errno> {
        self.find(parent, name)?;
        self.folder_mut(parent)?.change(|entries| {
            entries.remove(name);
        });
        Ok(())
    }

    /// Renames within a folder; between folders nothing here ever does.
    pub(super) fn rename(&mut self, parent: u64, name: &OsStr, new: &OsStr) -> Result<(), Errno> {
        let number = self.find(parent, name)?;
        self.folder_mut(parent)?.change(|entries| {
            entries.remove(name);
            entries.insert(new.to_owned(), number);
        });
        Ok(())
    }

    pub(super) fn sync(&mut self, number: u64) -> Result<(), Errno> {
        match self.nodes.get_mut(&number).ok_or(Errno::ENOENT)? {
            Node::File(file) => file.sync(),
            Node::Folder(folder) => folder.sync(),
        }
        Ok(())
    }

    /// How many bytes all files have.
    pub(super) fn used_bytes(&self) -> u64 {
        let len = |node: &Node| match node {
            Node::File(file) => file.len() as u64,
            Node::Folder(_) => 0,
        };
        self.nodes.values().map(len).sum()
    }

    /// The power goes.
    pub(super) fn cut(&mut self, mut how: Cut<'_>) {
        for node in self.nodes.values_mut() {
            let chance = match &mut how {
                Cut::Clean => None,
                Cut::Torn(random) => Some(&mut **random),
            };
            *node = match node {
                Node::File(file) => Node::File(file.cut(chance)),
                Node::Folder(folder) => Node::Folder(folder.cut(chance)),
            };
        }
    }

    /// The number of a file by its path.
    pub(super) fn find_path(&self, path: &str) -> Option<u64> {
        let mut parts = path.split('/');
        parts.try_fold(ROOT, |parent, name| self.find(parent, OsStr::new(name)).ok())
    }

    /// All files of a folder with what is in them.
    pub(super) fn files_of(&self, folder: u64) -> Vec<(OsString, Vec<u8>)> {
        let Ok(folder) = self.folder(folder) else { return Vec::new() };
        let file = |(name, number): (&OsString, &u64)| {
            Some((name.clone(), self.file(*number).ok()?.bytes().to_vec()))
        };
        folder.now.iter().filter_map(file).collect()
    }
}
