//! What trunk builds: hands the page to the library.

fn main() {
    teahouse_web::start();
}
