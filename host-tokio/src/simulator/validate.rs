//! What `POST /prompt` checks before a prompt is queued.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::nodes::{self, Class, Input, Kind};

/// A prompt that may run: its outputs that are in order, and what is wrong with the others.
#[derive(Debug, PartialEq)]
pub(super) struct Valid {
    pub(super) outputs: Vec<String>,
    pub(super) node_errors: Map<String, Value>,
}

/// An `error` with its four fields.
pub(super) fn error(kind: &str, message: &str, details: &str, extra_info: &Value) -> Value {
    json!({"type": kind, "message": message, "details": details, "extra_info": extra_info})
}

/// The body of a refusal.
pub(super) fn refusal(error: &Value, node_errors: &Map<String, Value>) -> Value {
    json!({"error": error, "node_errors": node_errors})
}

/// Checks `graph`, and turns its values into the types that their inputs have, as ComfyUI does; `stock_only`: custom
/// node classes are missing and the input folder holds nothing but `example.png`.
///
/// # Errors
///
/// The response's body where nothing can run.
pub(super) fn validate(
    graph: &mut Map<String, Value>,
    targets: Option<&[Value]>,
    stock_only: bool,
) -> Result<Valid, Value> {
    for (id, node) in &*graph {
        check_class(id, node, stock_only)?;
    }
    let mut outputs = nodes::outputs(graph);
    if let Some(targets) = targets {
        outputs.retain(|output| targets.iter().any(|target| target == output));
    }
    if outputs.is_empty() {
        let error = error("prompt_no_outputs", "Prompt has no outputs", "", &json!({}));
        return Err(refusal(&error, &Map::new()));
    }

    let mut check = Check { graph, stock_only, checked: HashMap::new(), open: HashSet::new() };
    let mut good = Vec::new();
    let mut details = Vec::new();
    let mut node_errors = Map::new();
    for output in outputs {
        if check.output(&output) {
            good.push(output);
            continue;
        }
        let own = check.checked.get(&output).map(|checked| checked.errors.clone()).unwrap_or_default();
        details.extend(own.iter().map(|e| {
            format!("{}: {}", e["message"].as_str().unwrap_or_default(), e["details"].as_str().unwrap_or_default())
        }));
        // As ComfyUI does it, every broken node found so far depends on this output.
        for (id, node) in &*check.graph {
            if let Some(checked) = check.checked.get(id).filter(|checked| !checked.errors.is_empty()) {
                let entry = node_errors.entry(id.clone()).or_insert_with(|| {
                    json!({"errors": checked.errors, "dependent_outputs": [], "class_type": nodes::class_type(node)})
                });
                if let Some(dependent) = entry["dependent_outputs"].as_array_mut() {
                    dependent.push(output.clone().into());
                }
            }
        }
    }
    if good.is_empty() {
        let message = "Prompt outputs failed validation";
        let error = error("prompt_outputs_failed_validation", message, &details.join("\n"), &json!({}));
        return Err(refusal(&error, &node_errors));
    }
    Ok(Valid { outputs: good, node_errors })
}

fn check_class(id: &str, node: &Value, stock_only: bool) -> Result<(), Value> {
    let title = &node["_meta"]["title"];
    let missing = |message: &str, class: Value, title: Value| {
        let info = json!({"node_id": id, "class_type": class, "node_title": title});
        let details = format!("Node ID '#{id}'");
        Err(refusal(&error("missing_node_type", message, &details, &info), &Map::new()))
    };
    match node["class_type"].as_str() {
        None => {
            let name = title.as_str().map_or_else(|| format!("ID #{id}"), str::to_owned);
            let text =
                format!("Node '{name}' has no class_type. The workflow may be corrupted or a custom node is missing.");
            missing(&text, Value::Null, title.clone())
        }
        Some(class) if stock_only && nodes::class_named(class).is_none_or(|class| !class.stock) => {
            let name = title.as_str().unwrap_or(class);
            let text = format!("Node '{name}' not found. The custom node may not be installed.");
            missing(&text, class.into(), name.into())
        }
        Some(_) => Ok(()),
    }
}

struct Checked {
    valid: bool,
    errors: Vec<Value>,
}

/// A node whose links are being followed.
struct Open {
    id: String,
    valid: bool,
    errors: Vec<Value>,
    links: std::vec::IntoIter<Link>,
}

struct Check<'a> {
    graph: &'a mut Map<String, Value>,
    stock_only: bool,
    checked: HashMap<String, Checked>,
    /// The nodes whose links are being followed.
    open: HashSet<String>,
}

impl Check<'_> {
    /// Whether the node `output` and all that it takes from are in order. Depth first, as ComfyUI, but on a stack of its
    /// own, so that no depth of a graph is too much.
    fn output(&mut self, output: &str) -> bool {
        let mut stack = Vec::new();
        let mut next = Some(output.to_owned());
        loop {
            if let Some(id) = next.take() {
                if self.open.contains(&id) {
                    let start = stack.iter().position(|open: &Open| open.id == id).unwrap_or_default();
                    self.tell_cycle(&stack[start..].iter().map(|open| open.id.clone()).collect::<Vec<_>>());
                    if let Some(open) = stack.last_mut() {
                        open.valid = false;
                    }
                } else if let Some(checked) = self.checked.get(&id) {
                    let valid = checked.valid;
                    match stack.last_mut() {
                        Some(open) => open.valid &= valid,
                        None => return valid,
                    }
                } else if let Some(open) = self.open(&id) {
                    stack.push(open);
                } else {
                    self.tell_missing(&id, output);
                    self.open.clear();
                    return false;
                }
            }
            let Some(open) = stack.last_mut() else { return self.checked.get(output).is_some_and(|c| c.valid) };
            next = match open.links.next() {
                Some(link) => match self.mismatch(&link) {
                    Some(error) => {
                        open.errors.push(error);
                        open.valid = false;
                        None
                    }
                    None => Some(link.from),
                },
                None => self.close(stack.pop()),
            };
        }
    }

    fn open(&mut self, id: &str) -> Option<Open> {
        let (class, mut errors, links) = check_inputs(self.graph.get_mut(id)?);
        if class.is_some_and(|class| class.name == "LoadImage") && self.stock_only {
            errors.extend(check_file(&self.graph[id]["inputs"]["image"]));
        }
        self.open.insert(id.to_owned());
        Some(Open { id: id.to_owned(), valid: errors.is_empty(), errors, links: links.into_iter() })
    }

    /// Takes down what came out for a node; the result is the node again, for the one that takes from it to look up.
    fn close(&mut self, open: Option<Open>) -> Option<String> {
        let open = open?;
        self.open.remove(&open.id);
        // A cycle may have been noted for it on the way.
        let checked = self.checked.entry(open.id.clone()).or_insert(Checked { valid: true, errors: Vec::new() });
        checked.valid &= open.valid;
        checked.errors.splice(..0, open.errors);
        Some(open.id)
    }

    fn mismatch(&self, link: &Link) -> Option<Value> {
        let input = link.input?;
        let returned = *self.class_of(&link.from)?.returns.get(usize::try_from(link.output).ok()?)?;
        (returned != input.kind.name()).then(|| mismatch(input, returned, link))
    }

    fn class_of(&self, id: &str) -> Option<&'static Class> {
        nodes::class_named(nodes::class_type(self.graph.get(id)?))
    }

    fn tell_cycle(&mut self, cycle: &[String]) {
        let name = |id: &String| format!("{id} ({})", nodes::class_type(&self.graph[id]));
        let details = cycle.iter().chain(cycle.first()).map(name).collect::<Vec<_>>().join(" -> ");
        for id in cycle {
            let info = json!({"node_id": id, "cycle_nodes": cycle});
            let error = error("dependency_cycle", "Dependency cycle detected", &details, &info);
            self.checked.insert(id.clone(), Checked { valid: false, errors: vec![error] });
        }
    }

    /// A link to nowhere breaks the check of the whole output, in ComfyUI by an exception.
    fn tell_missing(&mut self, id: &str, output: &str) {
        let info = json!({"exception_type": "KeyError", "traceback": [
            "  File \"/home/user/ComfyUI/execution.py\", line 1184, in validate_prompt\n    m = await validate_inputs(prompt_id, prompt, o, validated)\n        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n",
            "  File \"/home/user/ComfyUI/execution.py\", line 933, in validate_inputs\n    o_class_type = prompt[o_id]['class_type']\n                   ~~~~~~^^^^^^\n",
        ]});
        let error = error("exception_during_validation", "Exception when validating node", &format!("'{id}'"), &info);
        self.checked.insert(output.to_owned(), Checked { valid: false, errors: vec![error] });
    }
}

/// A link that is to be followed, and the input it's for where the class is known.
struct Link {
    input: Option<&'static Input>,
    from: String,
    output: u64,
}

/// Checks a node's own inputs, and gives the links to follow.
fn check_inputs(node: &mut Value) -> (Option<&'static Class>, Vec<Value>, Vec<Link>) {
    let class = nodes::class_named(nodes::class_type(node)).filter(|class| !class.inputs.is_empty());
    let mut errors = Vec::new();
    let mut followed = Vec::new();
    let Some(class) = class else {
        let to_link = |(_, from, output): (&str, &str, u64)| Link { input: None, from: from.to_owned(), output };
        return (nodes::class_named(nodes::class_type(node)), errors, nodes::links(node).map(to_link).collect());
    };
    for input in class.inputs {
        match node["inputs"].get_mut(input.name) {
            None if input.required => errors.push(error(
                "required_input_missing",
                "Required input is missing",
                input.name,
                &json!({"input_name": input.name}),
            )),
            None => {}
            Some(Value::Array(list)) if list.len() != 2 => errors.push(error(
                "bad_linked_input",
                "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                input.name,
                &json!({"input_name": input.name, "input_config": input.kind.config(), "received_value": list}),
            )),
            Some(value) => match nodes::as_link(value) {
                Some((from, output)) => followed.push(Link { input: Some(input), from: from.to_owned(), output }),
                None => errors.extend(convert(input, value)),
            },
        }
    }
    (Some(class), errors, followed)
}

/// Turns `value` into the input's type, as Python's `int`, `float` and `str` would.
fn convert(input: &Input, value: &mut Value) -> Option<Value> {
    let info = || json!({"input_name": input.name, "input_config": input.kind.config(), "received_value": *value});
    let failed = |python: &str, what: String| {
        let mut info = info();
        info["exception_message"] = what.as_str().into();
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let message = format!("Failed to convert an input value to a {python} value");
        Some(error("invalid_input_type", &message, &format!("{}, {shown}, {what}", input.name), &info))
    };
    let outside = |kind: &str, relation: &str, limit: Value| {
        let message = format!("Value {value} {relation} of {limit}");
        Some(error(kind, &message, input.name, &info()))
    };
    match input.kind {
        Kind::Int(_, min, max, _) => {
            #[expect(clippy::cast_possible_truncation, reason = "int() of a float")]
            let number = value.as_i64().or_else(|| value.as_f64().map(|f| f as i64));
            match number.or_else(|| value.as_str().and_then(|text| text.trim().parse().ok())) {
                // Seeds reach beyond what a signed number holds.
                _ if value.as_u64().is_some_and(|n| i64::try_from(n).is_err()) && max == i64::MAX => return None,
                None => {
                    let shown = value.as_str().map_or_else(|| value.to_string(), |text| format!("'{text}'"));
                    return failed("INT", format!("invalid literal for int() with base 10: {shown}"));
                }
                Some(n) if n < min => return outside("value_smaller_than_min", "smaller than min", min.into()),
                Some(n) if n > max => return outside("value_bigger_than_max", "bigger than max", max.into()),
                Some(n) => *value = n.into(),
            }
        }
        Kind::Float(_, min, max, _) => {
            match value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok())) {
                None => {
                    let shown = value.as_str().map_or_else(|| value.to_string(), |text| format!("'{text}'"));
                    return failed("FLOAT", format!("could not convert string to float: {shown}"));
                }
                Some(n) if n < min => return outside("value_smaller_than_min", "smaller than min", min.into()),
                Some(n) if n > max => return outside("value_bigger_than_max", "bigger than max", max.into()),
                Some(n) => *value = n.into(),
            }
        }
        Kind::Text => {
            if !value.is_string() {
                *value = value.to_string().into();
            }
        }
        Kind::OneOf(_) | Kind::Link(_) => {}
    }
    None
}

fn mismatch(input: &Input, returned: &str, link: &Link) -> Value {
    let wanted = input.kind.name();
    let details = format!("{}, received_type({returned}) mismatch input_type({wanted})", input.name);
    let info = json!({
        "input_name": input.name, "input_config": input.kind.config(), "received_type": returned,
        "linked_node": [link.from, link.output],
    });
    error("return_type_mismatch", "Return type mismatch between linked nodes", &details, &info)
}

fn check_file(image: &Value) -> Option<Value> {
    let file = image.as_str().filter(|file| *file != "example.png")?;
    let details = format!("image - Invalid image file: {file}");
    let info = json!({"input_name": "image"});
    Some(error("custom_validation_failed", "Custom validation failed for node", &details, &info))
}
