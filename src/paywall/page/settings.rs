use super::theme;
use crate::api::Deployment;
use crate::codec;
use crate::codec::text::split_once;
use crate::paywall::config::keys;
use crate::paywall::config::object_reader::ObjectReader;
use crate::paywall::config::problems::{Problems, Variables};
use crate::paywall::sha256;
use crate::wire::{Environment, base64, digits};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Map, Value};

/// How the page looks and what it says: `PAGE`, and what of it never changes, made once.
#[derive(Debug)]
pub(crate) struct Page {
    /// The seller's name.
    pub(super) name: Option<String>,
    /// The language of the texts.
    pub(super) lang: String,
    /// A `data:` image, or a path of this host.
    pub(super) logo: Option<String>,
    /// The style sheet, colours and all.
    pub(super) style: String,
    /// The texts, by name.
    pub(super) texts: Map<String, Value>,
    /// Where a buyer's key is kept between pages: `memory` or `session`.
    pub(super) storage: &'static str,
    /// The deployment, as the package wants it.
    pub(super) platform: Value,
    /// Where a person logs in, for people.
    pub(super) site: String,
    /// The content security policy.
    pub(super) policy: String,
    /// The files of this build, without its texts and its style sheet, which are in their own members.
    pub(super) built: Built,
}

/// The page files of a build, apart from the gate: `PAGE_FILES`.
#[derive(Debug)]
pub(super) struct Built {
    /// The scripts stand under this name, which changes with them.
    pub(super) id: String,
    /// Their names.
    pub(super) files: Vec<String>,
    /// The document, with places for what it says.
    pub(super) layout: String,
    /// The frame in which what was bought is shown, if it is HTML: a document of no origin, which cannot reach the page
    /// around it. It reports that it is ready, and receives what to show.
    pub(super) frame: String,
    style: String,
    texts: Map<String, Value>,
}

/// The largest size of a configured logo, in bytes.
const MAX_LOGO_BYTES: usize = 16 * 1024;
/// The largest size of one text, in bytes.
const MAX_TEXT_BYTES: usize = 1024;

impl Page {
    /// Reads it; nothing where there is no page: because it is turned off, or because this build carries no scripts for
    /// one (`PAGE_FILES`, which the Worker's entry puts there).
    pub(crate) fn read(given: &Variables<'_>, deployment: &Deployment) -> Option<Self> {
        let problems = &given.problems;
        let said = given.text("PAGE");
        let chosen = match said.as_deref().map(str::trim) {
            None | Some("on" | "\"on\"") => Value::Object(Map::new()),
            Some("off" | "\"off\"") => return None,
            Some(chosen) => codec::parse_text(chosen).unwrap_or_default(),
        };
        let shape = "must be \"on\", \"off\" or an object like {\"name\": \"My shop\"}";
        if !chosen.is_object() {
            problems.note("PAGE", shape);
        }
        let Some(mut built) = given.text("PAGE_FILES").as_deref().and_then(Built::read) else {
            if said.is_some() {
                problems.note("PAGE", "must be \"off\": this build has no page");
            }
            return None;
        };
        let chosen = ObjectReader::of(
            &chosen,
            "PAGE".into(),
            &keys::PAGE,
            shape,
            "is not a key of the page",
            problems,
        )?;
        let word = |name: &str, most: usize| {
            let value = chosen.get(name)?;
            let text = value.as_str().filter(|text| !text.is_empty() && text.len() <= most);
            if text.is_none() {
                chosen.wrong(name, &["must be a text of at most ", &digits(most as u64), " bytes"].concat());
            }
            text
        };
        let colour = |name: &str| {
            let colour = theme::Colour::parse(word(name, MAX_TEXT_BYTES)?);
            if colour.is_none() {
                chosen.wrong(name, "must be a colour like #0a6b47");
            }
            colour
        };
        let lang = word("lang", 35).unwrap_or("en");
        if !lang.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            chosen.wrong("lang", "must be a language tag, like en or de-CH");
        }
        let logo = word("logo", MAX_LOGO_BYTES);
        if logo.is_some_and(|logo| {
            !logo.starts_with("data:image/") && (!logo.starts_with('/') || logo.starts_with("//"))
        }) {
            chosen.wrong("logo", "must be a data:image/ URL or a path of this host");
        }
        let storage = match word("storage", 16) {
            None | Some("memory") => "memory",
            storage => {
                if storage != Some("session") {
                    chosen.wrong("storage", "must be \"memory\" or \"session\"");
                }
                "session"
            }
        };
        let style = [built.style.as_str(), &theme::rules(colour("accent"), colour("accentDark"))].concat();
        built.style = String::new();
        Some(Self {
            name: word("name", MAX_TEXT_BYTES).map(ToString::to_string),
            lang: lang.into(),
            logo: logo.map(ToString::to_string),
            texts: texts(core::mem::take(&mut built.texts), chosen.get("texts"), problems),
            storage,
            policy: policy(&style, deployment),
            platform: platform(deployment),
            site: split_once(&deployment.frontend, "//").map_or("", |(_, host)| host).to_string(),
            style,
            built,
        })
    }
}

/// Our texts, and the seller's in the place of those that they name.
fn texts(mut texts: Map<String, Value>, over: Option<&Value>, problems: &Problems) -> Map<String, Value> {
    let Some(over) = over else { return texts };
    let known: Vec<&str> = texts.keys().map(String::as_str).collect();
    let (at, strange) = ("PAGE.texts".into(), "is not a text of the page");
    let over = ObjectReader::of(over, at, &known, "must be an object of texts", strange, problems);
    for (name, text) in over.iter().flat_map(ObjectReader::members) {
        if text.as_str().is_none_or(|text| text.len() > MAX_TEXT_BYTES) {
            problems.note(&["PAGE.texts.", name].concat(), "must be a text of at most 1024 bytes");
        }
        texts.insert(name.clone(), text.clone());
    }
    texts
}

impl Built {
    /// `{"id": "…", "files": ["page.js", …], "layout": "…", "frame": "…", "style": "…", "texts": {…}}`, as a build writes it.
    fn read(text: &str) -> Option<Self> {
        let mut built = codec::parse_object(text)?;
        let mut take = |name: &str| built.get_mut(name).map(Value::take);
        let (Some(Value::Array(files)), Some(Value::Object(texts))) = (take("files"), take("texts")) else {
            return None;
        };
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let files = files.into_iter().map(|name| text(Some(name))).collect::<Option<Vec<_>>>()?;
        let mut named = |name: &str| text(take(name));
        let (id, layout) = (named("id")?, named("layout")?);
        let (frame, style) = (named("frame")?, named("style")?);
        (!files.is_empty()).then_some(Self { id, files, layout, frame, style, texts })
    }
}

/// One's own scripts, this very style, the platform to talk to; frames of one's own for what was bought. Nobody frames it:
/// there is a button on it that costs money.
fn policy(style: &str, deployment: &Deployment) -> String {
    let style = base64::encode_standard(&sha256::raw(style.as_bytes()));
    let platform = &deployment.backend;
    [
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'sha256-",
        &style,
        "'; connect-src 'self' ",
        platform,
        "; img-src 'self' data: blob:; media-src blob:; frame-src 'self' blob:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ]
    .concat()
}

fn platform(deployment: &Deployment) -> Value {
    let mut platform = Map::new();
    let mut say = |name: &str, text: &str| drop(platform.insert(name.into(), text.into()));
    say("environment", deployment.environment.as_str());
    if deployment.environment == Environment::Custom {
        say("backend", &deployment.backend);
        say("frontend", &deployment.frontend);
        say("embed", &deployment.embed);
    }
    Value::Object(platform)
}
