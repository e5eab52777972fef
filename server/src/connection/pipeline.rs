use teahouse_protocol::OpId;

/// Keeps the order of one connection's posts, which are sent without waiting for each other's answers: once one of them
/// is refused for the moment, those behind it are too, until it comes again.
///
/// The thread that decides learns of it first and refuses what is in its queue by the number of the pipeline. What comes
/// later is refused here. When the refused post comes again, its author has seen the refusal, and another pipeline
/// begins.
#[derive(Debug)]
pub(super) struct Pipeline {
    number: u64,
    /// In a box, since it is rare.
    awaited: Option<Box<Awaited>>,
    /// A post without an operation id was refused, which nobody could recognise again.
    ends: bool,
}

/// The first post that was refused for the moment.
#[derive(Debug)]
struct Awaited {
    op: OpId,
    /// Whether it was proposed. If not, one that was proposed earlier may still be refused, and comes before it.
    proposed: bool,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self { number: 1, awaited: None, ends: false }
    }
}

impl Pipeline {
    /// Lets a post in and gives the pipeline's number, unless another one must come first.
    pub(super) fn enter(&mut self, op: Option<&OpId>) -> Option<u64> {
        if let Some(awaited) = &self.awaited {
            if op != Some(&awaited.op) {
                return None;
            }
            self.awaited = None;
            self.ends = true;
        }
        self.number += u64::from(std::mem::take(&mut self.ends));
        Some(self.number)
    }

    /// The post that was let in last is refused for the moment, before it was proposed.
    pub(super) fn turned_away(&mut self, op: Option<OpId>) {
        self.awaited = op.map(|op| Box::new(Awaited { op, proposed: false }));
    }

    /// A post that was proposed in this pipeline is refused for the moment. To be told of all of them in their order.
    pub(super) fn refused(&mut self, number: u64, op: Option<OpId>) {
        if number != self.number || self.awaited.as_ref().is_some_and(|awaited| awaited.proposed) {
            return;
        }
        match op {
            Some(op) => self.awaited = Some(Box::new(Awaited { op, proposed: true })),
            None => self.ends = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(text: &str) -> OpId {
        OpId::parse(text).expect("legal")
    }

    fn enter(pipeline: &mut Pipeline, text: &str) -> Option<u64> {
        pipeline.enter(Some(&op(text)))
    }

    #[test]
    fn nothing_comes_in_before_the_first_that_was_refused() {
        let mut pipeline = Pipeline::default();
        for text in ["a", "b", "c"] {
            assert_eq!(enter(&mut pipeline, text), Some(1));
        }
        pipeline.refused(1, Some(op("b")));
        pipeline.refused(1, Some(op("c")));
        assert_eq!(enter(&mut pipeline, "d"), None);
        assert_eq!(enter(&mut pipeline, "c"), None);
        assert_eq!(pipeline.enter(None), None);
        assert_eq!(enter(&mut pipeline, "b"), Some(2));
        assert_eq!(enter(&mut pipeline, "c"), Some(2));
    }

    #[test]
    fn an_earlier_one_that_is_refused_later_comes_first() {
        let mut pipeline = Pipeline::default();
        enter(&mut pipeline, "a");
        enter(&mut pipeline, "b");
        pipeline.turned_away(Some(op("b")));
        assert_eq!(enter(&mut pipeline, "c"), None);
        pipeline.refused(1, Some(op("a")));
        assert_eq!(enter(&mut pipeline, "b"), None);
        assert_eq!(enter(&mut pipeline, "a"), Some(2));
    }

    #[test]
    fn what_is_left_of_an_old_pipeline_holds_nobody_up() {
        let mut pipeline = Pipeline::default();
        enter(&mut pipeline, "a");
        enter(&mut pipeline, "b");
        pipeline.refused(1, Some(op("a")));
        assert_eq!(enter(&mut pipeline, "a"), Some(2));
        pipeline.refused(1, Some(op("b")));
        assert_eq!(enter(&mut pipeline, "c"), Some(2));
    }

    #[test]
    fn posts_without_an_id_wait_for_nobody() {
        let mut pipeline = Pipeline::default();
        assert_eq!(pipeline.enter(None), Some(1));
        pipeline.refused(1, None);
        assert_eq!(pipeline.enter(None), Some(2), "what was under way is refused by its number");
        pipeline.turned_away(None);
        assert_eq!(pipeline.enter(None), Some(2));
    }
}
