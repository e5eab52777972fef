use std::collections::BTreeSet;

/// What a disk writes whole or not at all, in bytes.
pub(super) const SECTOR_BYTES: usize = 512;

/// A file: what programs see, and what is on the platters.
#[derive(Debug, Default, Clone)]
pub(super) struct File {
    /// What programs read back.
    now: Vec<u8>,
    /// What survives a cut.
    synced: Vec<u8>,
    /// Sectors that were written since the last fsync.
    dirty: BTreeSet<usize>,
    /// Sectors whose fsync failed: programs see them, and no later fsync writes them, as with the page cache of Linux.
    abandoned: BTreeSet<usize>,
}

impl File {
    pub(super) fn len(&self) -> usize {
        self.now.len()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.now
    }

    pub(super) fn read(&self, offset: usize, size: usize) -> &[u8] {
        let end = (offset + size).min(self.now.len());
        self.now.get(offset..end).unwrap_or_default()
    }

    pub(super) fn write(&mut self, offset: usize, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let end = offset + data.len();
        if self.now.len() < end {
            self.resize(end);
        }
        self.now[offset..end].copy_from_slice(data);
        self.touch(offset, end);
    }

    pub(super) fn resize(&mut self, len: usize) {
        let old = self.now.len();
        self.now.resize(len, 0);
        let (from, to) = if len > old { (old, len) } else { (len.saturating_sub(1), len) };
        self.touch(from, to);
    }

    fn touch(&mut self, from: usize, to: usize) {
        for sector in from / SECTOR_BYTES..to.div_ceil(SECTOR_BYTES) {
            self.dirty.insert(sector);
            self.abandoned.remove(&sector);
        }
    }

    /// Everything that was written reaches the platters.
    pub(super) fn sync(&mut self) {
        self.synced.resize(self.now.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            copy_sector(&self.now, &mut self.synced, sector);
        }
    }

    /// An fsync fails: what it should have written never will be.
    pub(super) fn abandon(&mut self) {
        self.abandoned.append(&mut self.dirty);
    }

    /// What a cut leaves. With `chance`, sectors that were not synced may have reached the platters, each for itself, and
    /// so may the new size.
    pub(super) fn cut(&self, chance: Option<&mut fastrand::Rng>) -> Self {
        let mut left = self.synced.clone();
        if let Some(random) = chance {
            if random.bool() {
                left.resize(self.now.len(), 0);
            }
            for sector in self.dirty.union(&self.abandoned) {
                let fits = sector * SECTOR_BYTES < left.len();
                if fits && random.bool() {
                    copy_sector(&self.now, &mut left, *sector);
                }
            }
        }
        Self::on_disk(left)
    }

    /// A file that lies on the platters.
    pub(super) fn on_disk(bytes: Vec<u8>) -> Self {
        Self { now: bytes.clone(), synced: bytes, ..Self::default() }
    }
}

fn copy_sector(from: &[u8], to: &mut [u8], sector: usize) {
    let start = sector * SECTOR_BYTES;
    let end = (start + SECTOR_BYTES).min(from.len()).min(to.len());
    if start < end {
        to[start..end].copy_from_slice(&from[start..end]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_forgets_what_was_not_synced() {
        let mut file = File::default();
        file.write(0, &[1; 700]);
        file.sync();
        file.write(600, &[2; 1_000]);
        assert_eq!(file.len(), 1_600);
        assert_eq!(file.cut(None).bytes(), [1; 700]);
        file.abandon();
        file.sync();
        assert_eq!(&file.cut(None).bytes()[..700], [1; 700], "a later fsync does not write what one gave up");
        file.write(600, &[3; 10]);
        file.sync();
        assert_eq!(&file.cut(None).bytes()[600..610], [3; 10]);
    }

    #[test]
    fn a_torn_cut_keeps_whole_sectors() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut file = File::on_disk(vec![1; 4_096]);
        file.write(0, &[2; 4_096]);
        let left = file.cut(Some(&mut random));
        for sector in left.bytes().chunks(SECTOR_BYTES) {
            assert!(sector.iter().all(|byte| *byte == sector[0]));
        }
        assert!(left.bytes().contains(&1) && left.bytes().contains(&2));
    }
}
