//! The Java that runs the broker, and its arguments.

use super::{BrokerOptions, last_line};
use crate::{Cache, Piece, Trouble};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What Kafka 4 needs.
const OLDEST: u32 = 17;

/// Small and quick. With the class archive a broker starts in 1.5 s and 170 MB instead of 5 s and 320 MB.
const FLAGS: [&str; 3] = ["-Xmx256m", "-XX:+UseSerialGC", "-Xshare:auto"];

/// The first compiler only: the second takes longer to compile than a test lasts, and pays for what runs for minutes.
const QUICK: &str = "-XX:TieredStopAtLevel=1";

pub(super) struct Java {
    jars: PathBuf,
    archive: PathBuf,
}

impl Java {
    /// The `java` on the PATH, if it is new enough.
    pub(super) fn find(cache: &Cache) -> Result<Self, Trouble> {
        let output = Command::new("java")
            .arg("-version")
            .stdin(Stdio::null())
            .output()
            .map_err(|_| Trouble::NoJava)?;
        let found = version(&String::from_utf8_lossy(&output.stderr)).ok_or(Trouble::NoJava)?;
        if found < OLDEST {
            return Err(Trouble::OldJava { found });
        }
        let what = "Apache Kafka's jars";
        let gone =
            |error: std::io::Error| Trouble::Fetch { what, detail: format!("its folder is gone: {error}") };
        let jars = fs::canonicalize(cache.piece(Piece::Broker).join("lib")).map_err(gone)?;
        Ok(Self { jars, archive: archive(cache) })
    }

    /// The option that writes the class archive when the server ends.
    pub(super) fn archive_option(cache: &Cache) -> String {
        format!("-XX:ArchiveClassesAtExit={}", archive(cache).display())
    }

    /// The arguments of the server.
    pub(super) fn server(&self, options: &BrokerOptions, data: &Path, properties: &Path) -> Vec<String> {
        let mut arguments: Vec<String> = FLAGS.map(str::to_owned).into();
        if !options.lasting {
            arguments.push(QUICK.to_owned());
        }
        if self.archive.is_file() {
            arguments.push(format!("-XX:SharedArchiveFile={}", self.archive.display()));
        }
        arguments.push(format!("-Dlog4j2.configurationFile={}", data.join("log4j2.xml").display()));
        arguments.extend(self.class_path());
        arguments.push("kafka.Kafka".to_owned());
        arguments.push(properties.display().to_string());
        arguments
    }

    /// Makes a folder a broker's: one more Java, once.
    pub(super) fn format(&self, options: &BrokerOptions, properties: &Path) -> Result<(), Trouble> {
        let mut command = Command::new("java");
        command.args(FLAGS).arg(QUICK).args(self.class_path()).arg("kafka.tools.StorageTool");
        // The id of the cluster is 16 bytes in base64: any will do on one machine.
        command.args(["format", "-t", "dHJhY2tlci1sb2NhbC0wMQ", "-c"]).arg(properties).args(&options.format);
        let what = || format!("cannot format {}", options.data.display());
        let output = command.stdin(Stdio::null()).output().map_err(Trouble::at(what))?;
        if output.status.success() { Ok(()) } else { Err(Trouble::at(what)(last_line(&output))) }
    }

    fn class_path(&self) -> [String; 2] {
        ["-cp".to_owned(), self.jars.join("*").display().to_string()]
    }
}

fn archive(cache: &Cache) -> PathBuf {
    let folder = cache.piece(Piece::Broker);
    fs::canonicalize(&folder).unwrap_or(folder).join("kafka.jsa")
}

/// The major version in what `java -version` prints: `openjdk version "17.0.15" …`, or `"1.8.0_402"`.
fn version(printed: &str) -> Option<u32> {
    let (_, after) = printed.split_once("version \"")?;
    let mut numbers = after.split(|letter: char| !letter.is_ascii_digit()).map(str::parse);
    match numbers.next()?.ok()? {
        1 => numbers.next()?.ok(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_in_both_spellings() {
        assert_eq!(version("openjdk version \"17.0.15\" 2025-04-15"), Some(17));
        assert_eq!(version("openjdk version \"25\" 2025-09-16"), Some(25));
        assert_eq!(version("java version \"1.8.0_402\""), Some(8));
        assert_eq!(version("no such thing"), None);
    }
}
