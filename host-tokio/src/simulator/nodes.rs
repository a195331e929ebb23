//! The node classes that the simulator knows: what they take and give, for validation and `/object_info`.
//!
//! A workflow may use any class; of the others nothing is checked but the links, and a node is taken for an output
//! where its name says so or nobody takes anything from it.

use serde_json::{Map, Value, json};

/// A node class.
pub(super) struct Class {
    pub(super) name: &'static str,
    category: &'static str,
    /// Its nodes are outputs.
    pub(super) output: bool,
    pub(super) inputs: &'static [Input],
    /// The types of what it gives.
    pub(super) returns: &'static [&'static str],
    /// It's part of ComfyUI.
    pub(super) stock: bool,
}

/// An input of a class.
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

/// What an input takes.
pub(super) enum Kind {
    /// A whole number: default, least, largest, step.
    Int(i64, i64, i64, i64),
    /// A number: default, least, largest, step.
    Float(f64, f64, f64, f64),
    /// A text.
    Text,
    /// One of a list; the list of a real server depends on its files, so that nothing is refused.
    OneOf(&'static [&'static str]),
    /// What another node gives.
    Link(&'static str),
}

impl Kind {
    /// The type's name, as links and `/object_info` have it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Int(..) => "INT",
            Self::Float(..) => "FLOAT",
            Self::Text => "STRING",
            Self::OneOf(_) => "COMBO",
            Self::Link(name) => name,
        }
    }

    /// The type and its options, as `/object_info` and validation errors show them.
    pub(super) fn config(&self) -> Value {
        match self {
            Self::Int(default, min, max, step) => {
                json!(["INT", {"default": default, "min": min, "max": max, "step": step}])
            }
            Self::Float(default, min, max, step) => {
                json!(["FLOAT", {"default": default, "min": min, "max": max, "step": step}])
            }
            Self::Text => json!(["STRING", {"default": "", "multiline": false}]),
            Self::OneOf(values) => json!([values, {}]),
            Self::Link(name) => json!([name, {}]),
        }
    }
}

const fn input(name: &'static str, kind: Kind) -> Input {
    Input { name, kind, required: true }
}

const fn class(
    name: &'static str,
    category: &'static str,
    output: bool,
    inputs: &'static [Input],
    returns: &'static [&'static str],
) -> Class {
    Class { name, category, output, inputs, returns, stock: true }
}

/// A class of the custom nodes that the recordings were made with; its inputs are taken as they come.
const fn custom(name: &'static str, output: bool, returns: &'static [&'static str]) -> Class {
    Class { name, category: "trace", output, inputs: &[], returns, stock: false }
}

const SIDE: Kind = Kind::Int(512, 1, 16384, 1);
const LATENT_SIDE: Kind = Kind::Int(512, 16, 16384, 8);
const BATCH: Kind = Kind::Int(1, 1, 4096, 1);
const SEED: Kind = Kind::Int(0, 0, i64::MAX, 1);
const STEPS: Kind = Kind::Int(20, 1, 10_000, 1);
const CFG: Kind = Kind::Float(8.0, 0.0, 100.0, 0.1);
const SAMPLERS: Kind = Kind::OneOf(&["euler", "euler_ancestral", "heun", "dpmpp_2m", "dpmpp_2m_sde", "uni_pc"]);
const SCHEDULERS: Kind = Kind::OneOf(&["simple", "sgm_uniform", "karras", "exponential", "normal", "beta"]);
const SCALING: Kind = Kind::OneOf(&["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]);
const CROP: Kind = Kind::OneOf(&["disabled", "center"]);

/// The known classes.
pub(super) const CLASSES: &[Class] = &[
    class(
        "CheckpointLoaderSimple",
        "loaders",
        false,
        &[input("ckpt_name", Kind::OneOf(&["sd_xl_base_1.0.safetensors"]))],
        &["MODEL", "CLIP", "VAE"],
    ),
    class(
        "CLIPTextEncode",
        "conditioning",
        false,
        &[input("text", Kind::Text), input("clip", Kind::Link("CLIP"))],
        &["CONDITIONING"],
    ),
    class(
        "EmptyLatentImage",
        "latent",
        false,
        &[input("width", LATENT_SIDE), input("height", LATENT_SIDE), input("batch_size", BATCH)],
        &["LATENT"],
    ),
    class(
        "LatentUpscale",
        "latent",
        false,
        &[
            input("samples", Kind::Link("LATENT")),
            input("upscale_method", SCALING),
            input("width", Kind::Int(512, 0, 16384, 8)),
            input("height", Kind::Int(512, 0, 16384, 8)),
            input("crop", CROP),
        ],
        &["LATENT"],
    ),
    class(
        "KSampler",
        "sampling",
        false,
        &[
            input("model", Kind::Link("MODEL")),
            input("seed", SEED),
            input("steps", STEPS),
            input("cfg", CFG),
            input("sampler_name", SAMPLERS),
            input("scheduler", SCHEDULERS),
            input("positive", Kind::Link("CONDITIONING")),
            input("negative", Kind::Link("CONDITIONING")),
            input("latent_image", Kind::Link("LATENT")),
            input("denoise", Kind::Float(1.0, 0.0, 1.0, 0.01)),
        ],
        &["LATENT"],
    ),
    class(
        "VAEDecode",
        "latent",
        false,
        &[input("samples", Kind::Link("LATENT")), input("vae", Kind::Link("VAE"))],
        &["IMAGE"],
    ),
    class(
        "VAEEncode",
        "latent",
        false,
        &[input("pixels", Kind::Link("IMAGE")), input("vae", Kind::Link("VAE"))],
        &["LATENT"],
    ),
    class(
        "EmptyImage",
        "image",
        false,
        &[
            input("width", SIDE),
            input("height", SIDE),
            input("batch_size", BATCH),
            input("color", Kind::Int(0, 0, 0xff_ffff, 1)),
        ],
        &["IMAGE"],
    ),
    class("LoadImage", "image", false, &[input("image", Kind::OneOf(&["example.png"]))], &["IMAGE", "MASK"]),
    class(
        "ImageScale",
        "image/upscaling",
        false,
        &[
            input("image", Kind::Link("IMAGE")),
            input("upscale_method", SCALING),
            input("width", Kind::Int(512, 0, 16384, 1)),
            input("height", Kind::Int(512, 0, 16384, 1)),
            input("crop", CROP),
        ],
        &["IMAGE"],
    ),
    class(
        "ImageBlend",
        "image/postprocessing",
        false,
        &[
            input("image1", Kind::Link("IMAGE")),
            input("image2", Kind::Link("IMAGE")),
            input("blend_factor", Kind::Float(0.5, 0.0, 1.0, 0.01)),
            input("blend_mode", Kind::OneOf(&["normal", "multiply", "screen", "overlay"])),
        ],
        &["IMAGE"],
    ),
    class("GetImageSize", "image", true, &[input("image", Kind::Link("IMAGE"))], &["INT", "INT", "INT"]),
    class(
        "SaveImage",
        "image",
        true,
        &[input("images", Kind::Link("IMAGE")), input("filename_prefix", Kind::Text)],
        &[],
    ),
    class("PreviewImage", "image", true, &[input("images", Kind::Link("IMAGE"))], &[]),
    class("SaveImageWebsocket", "api/image", true, &[input("images", Kind::Link("IMAGE"))], &[]),
    custom("TraceTinyModel", false, &["MODEL", "CONDITIONING", "CONDITIONING"]),
    custom("TraceLatentToImage", false, &["IMAGE"]),
    custom("TraceSteps", false, &["IMAGE"]),
    custom("TraceRaise", false, &["IMAGE"]),
    custom("TraceBlock", false, &["IMAGE"]),
    custom("TraceText", false, &["IMAGE"]),
    custom("TraceExpand", false, &["IMAGE"]),
    custom("TraceList", false, &["IMAGE"]),
    custom("TraceUI", true, &[]),
    custom("TraceSink", true, &[]),
];

/// The class `name`, where it's known.
pub(super) fn class_named(name: &str) -> Option<&'static Class> {
    CLASSES.iter().find(|class| class.name == name)
}

/// The nodes of `graph` that are outputs.
pub(super) fn outputs(graph: &Map<String, Value>) -> Vec<String> {
    let taken: std::collections::HashSet<&str> =
        graph.values().flat_map(|node| links(node).map(|(_, from, _)| from)).collect();
    let is_output = |id: &str, node: &Value| {
        let name = class_type(node);
        class_named(name).map_or_else(|| named_as_output(name) || !taken.contains(id), |class| class.output)
    };
    graph.iter().filter(|(id, node)| is_output(id, node)).map(|(id, _)| id.clone()).collect()
}

/// Whether the class `name` is an output by itself, whoever takes from it.
pub(super) fn is_output_class(name: &str) -> bool {
    class_named(name).map_or_else(|| named_as_output(name), |class| class.output)
}

fn named_as_output(name: &str) -> bool {
    ["Save", "Preview", "VHS_VideoCombine", "ShowText"].iter().any(|start| name.starts_with(start))
}

/// A node's `class_type`, empty where it has none.
pub(super) fn class_type(node: &Value) -> &str {
    node["class_type"].as_str().unwrap_or_default()
}

/// A node's links: the input's name, the node that it's taken from and which of its outputs.
pub(super) fn links(node: &Value) -> impl DoubleEndedIterator<Item = (&str, &str, u64)> {
    let inputs = node["inputs"].as_object().into_iter().flatten();
    inputs.filter_map(|(name, value)| as_link(value).map(|(from, output)| (name.as_str(), from, output)))
}

/// A value that is a link: a list of a node's id and the number of one of its outputs.
pub(super) fn as_link(value: &Value) -> Option<(&str, u64)> {
    match value.as_array()?.as_slice() {
        [Value::String(from), Value::Number(output)] => Some((from, output.as_u64()?)),
        _ => None,
    }
}

/// `/object_info` of one class.
pub(super) fn object_info(class: &Class) -> Value {
    let choose = |required: bool| class.inputs.iter().filter(move |input| input.required == required);
    let configs = |required| choose(required).map(|i| (i.name.to_owned(), i.kind.config())).collect::<Map<_, _>>();
    let names = |required| choose(required).map(|input| input.name).collect::<Vec<_>>();
    json!({
        "input": {"required": configs(true)},
        "input_order": {"required": names(true)},
        "is_input_list": false,
        "output": class.returns,
        "output_is_list": vec![false; class.returns.len()],
        "output_name": class.returns,
        "name": class.name,
        "display_name": class.name,
        "description": "",
        "python_module": if class.stock { "nodes" } else { "custom_nodes.trace_nodes" },
        "category": class.category,
        "output_node": class.output,
        "has_intermediate_output": false,
        "search_aliases": [],
    })
}
