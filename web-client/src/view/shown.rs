//! Parts of a view that are there only at times.

use leptos::prelude::*;

/// Shows `view` while `condition` holds. The library's own component is compiled anew for every use; of this one only the
/// view itself is, which keeps the page small.
pub(crate) fn shown<V: IntoAny + 'static>(
    condition: impl Fn() -> bool + Send + Sync + 'static,
    view: impl Fn() -> V + Send + 'static,
) -> AnyView {
    erased(Memo::new(move |_| condition()), Box::new(move || view().into_any()))
}

fn erased(condition: Memo<bool>, view: Box<dyn Fn() -> AnyView + Send>) -> AnyView {
    (move || condition.get().then(&view)).into_any()
}
