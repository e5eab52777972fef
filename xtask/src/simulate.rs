use anyhow::Result;

use crate::child::succeed;
use crate::project::Project;

/// `cargo xtask simulate`: real clients and the real server in virtual time, more seeds than the tests take.
pub(crate) fn simulate(project: &Project, options: &[String]) -> Result<()> {
    let mut run = project.cargo(&["run", "--quiet", "--package", "teahouse-simulation", "--"]);
    succeed(run.args(options))?;
    Ok(())
}
