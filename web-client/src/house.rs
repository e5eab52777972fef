//! Which house the page is of. Several may stand under one origin, each under a path of its own, and each is somebody else's.

/// The path under which the house stands, from slash to slash.
pub(crate) fn folder() -> String {
    let path = web_sys::window().and_then(|window| window.location().pathname().ok()).unwrap_or_default();
    folder_of(&path).to_owned()
}

/// What this house calls something that a browser keeps for all of an origin.
pub(crate) fn name_of(what: &str) -> String {
    name_in(&folder(), what)
}

fn folder_of(path: &str) -> &str {
    path.rfind('/').map_or("/", |end| &path[..=end])
}

/// A house that has the origin to itself needs no path.
fn name_in(folder: &str, what: &str) -> String {
    if folder == "/" { what.to_owned() } else { format!("{folder}{what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn houses_of_one_origin_are_told_apart_by_their_paths() {
        let name = |path| name_in(folder_of(path), "teahouse");
        assert_eq!(["/", "", "/index.html"].map(name), ["teahouse"; 3]);
        assert_eq!(["/tea/house/", "/tea/house/index.html"].map(name), ["/tea/house/teahouse"; 2]);
        assert_eq!(name("/tea/"), "/tea/teahouse");
    }
}
