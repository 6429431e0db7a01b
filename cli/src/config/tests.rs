use super::*;

const FILE: &str = "origin = \"log.example/a\"\n";

fn nothing(_name: &str) -> Option<String> {
    None
}

#[test]
fn the_file_that_is_composed_loads_and_says_the_defaults() {
    let text = compose_file(&[("origin", "log.example/a")], "");
    let loaded = load(&text, &nothing, &[]).unwrap();
    assert_eq!(loaded.settings.origin, "log.example/a");
    assert_eq!(loaded.settings.batch_entries, 4_096);
    // Uncommented, it says the same.
    let uncommented: String = text
        .lines()
        .filter_map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => Some(format!("{rest}\n")),
            Some(_comment) => None,
            None => Some(format!("{line}\n")),
        })
        .collect();
    let explicit = load(&uncommented, &nothing, &[]).unwrap();
    for setting in SETTINGS {
        assert_eq!(
            loaded.value(setting).map(|(value, _from)| value),
            explicit.value(setting).map(|(value, _from)| value),
            "{}",
            setting.name
        );
        assert_eq!(
            explicit.value(setting).map(|(_value, from)| from),
            Some(CameFrom::File),
            "{}",
            setting.name
        );
        assert!(setting.meaning.lines().all(|line| line.len() <= 100), "{}", setting.name);
    }
}

#[test]
fn a_flag_goes_before_a_variable_before_the_file_before_the_default() {
    let setting = |name: &str| SETTINGS.iter().find(|setting| setting.name == name).unwrap();
    let file = format!("{FILE}queue_entries = 7\nbatch_entries = 2000\nlisten = \"127.0.0.1:1\"\n");
    let environment = |name: &str| match name {
        "SILLOK_BATCH_ENTRIES" => Some("3000".into()),
        "SILLOK_LISTEN" => Some("127.0.0.1:2".into()),
        _other => None,
    };
    let loaded =
        load(&file, &environment, &[("listen", Some("127.0.0.1:3".into())), ("head", None)]).unwrap();
    assert_eq!(loaded.settings.listen, "127.0.0.1:3");
    assert_eq!(loaded.settings.batch_entries, 3_000);
    assert_eq!(loaded.settings.queue_entries, 7);
    let from = |name| loaded.value(setting(name)).map(|(_value, from)| from);
    assert_eq!(from("listen"), Some(CameFrom::Flag));
    assert_eq!(from("batch_entries"), Some(CameFrom::Environment));
    assert_eq!(from("queue_entries"), Some(CameFrom::File));
    assert_eq!(from("head"), Some(CameFrom::Default));
}

#[test]
fn what_is_refused_names_the_setting() {
    let cases: &[(&str, &[&str])] = &[
        ("origin = \"has space\"", &["origin"]),
        ("origin = \"a\"\nbatch_entries = 0", &["batch_entries", "from 1000 to 65535"]),
        ("origin = \"a\"\nbatch_entries = \"4096\"", &["batch_entries", "whole number"]),
        ("origin = \"a\"\nlisten = \"8080\"", &["listen", "8080"]),
        ("origin = \"a\"\npublic_url = \"ftp://x\"", &["public_url"]),
        ("origin = \"a\"\npublic_url = \"https://x/\"", &["public_url", "slash"]),
        ("origin = \"a\"\nlog_level = \"loud\"", &["log_level", "error, warn, info"]),
        ("origin = \"a\"\nbatch_entrys = 5", &["batch_entrys"]),
        ("origin = \"a\"\n[[submitters]]\nvkey = \"x\"\nrole = \"administrator\"", &["submitters"]),
        ("origin = \"a\"\n[[submitters]]\nvkey = \"x\"\nrole = \"king\"", &["king"]),
        ("origin = ", &["sillok.toml"]),
    ];
    for (file, expected) in cases {
        let error = load(file, &nothing, &[]).map(|_loaded| ()).unwrap_err().to_string();
        for word in *expected {
            assert!(error.contains(word), "{file}: {error}");
        }
    }
    let wrong = |name: &str| (name == "SILLOK_PRODUCTION").then(|| "yes".to_owned());
    let error = load(FILE, &wrong, &[]).map(|_loaded| ()).unwrap_err().to_string();
    assert!(error.contains("SILLOK_PRODUCTION") && error.contains("true or false"), "{error}");
}
