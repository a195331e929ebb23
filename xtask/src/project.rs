//! What the manifests say, so that no fact of theirs stands here a second time.
use std::path::PathBuf;

use anyhow::{Context, Result};
use cargo_metadata::{MetadataCommand, semver::Version};

/// The crate that must build for microcontrollers.
pub(crate) const CORE: &str = "comfyglow-core";

/// The workspace, as its manifests describe it.
pub(crate) struct Project {
    /// The folder of the workspace's Cargo.toml.
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target_dir: PathBuf,
    /// The oldest compiler that is promised to do: the core's `rust-version`.
    pub(crate) msrv: Version,
    /// The core's features, without `default`.
    core_features: Vec<String>,
}

impl Project {
    /// Reads the manifests.
    ///
    /// # Errors
    /// Cargo can't read them, or the core has no `rust-version`.
    pub(crate) fn read() -> Result<Self> {
        let metadata = MetadataCommand::new().no_deps().exec().context("the workspace's manifests can't be read")?;
        let core = metadata.packages.iter().find(|package| package.name == CORE);
        let core = core.with_context(|| format!("the workspace has no crate {CORE}"))?;
        Ok(Self {
            root: metadata.workspace_root.clone().into(),
            target_dir: metadata.target_directory.clone().into(),
            msrv: core.rust_version.clone().with_context(|| format!("{CORE}'s manifest names no rust-version"))?,
            core_features: core.features.keys().filter(|name| *name != "default").cloned().collect(),
        })
    }

    /// The sets of the core's features that are built, as cargo's `--features` takes them: none, each alone, all
    /// together.
    pub(crate) fn core_feature_sets(&self) -> Vec<String> {
        let mut sets = vec![String::new()];
        sets.extend(self.core_features.iter().cloned());
        if self.core_features.len() > 1 {
            sets.push(self.core_features.join(","));
        }
        sets
    }
}

/// What a step is called that builds `what` with these features.
pub(crate) fn with_features(what: &str, features: &str) -> String {
    if features.is_empty() { what.to_owned() } else { format!("{what} +{features}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifests_are_read() {
        let project = Project::read().unwrap();
        assert!(project.root.join("core/Cargo.toml").is_file());
        assert!(project.msrv >= Version::new(1, 95, 0));
        let sets = project.core_feature_sets();
        let (all, each) = sets.split_last().unwrap();
        assert_eq!((each[0].as_str(), &each[1..].join(",")), ("", all));
        assert!(each.iter().any(|features| features == "serde"), "{sets:?}");
        assert_eq!(with_features("core", ""), "core");
        assert_eq!(with_features("core", "defmt,serde"), "core +defmt,serde");
    }
}
