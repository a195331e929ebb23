"""What ComfyUI's execution.py sends, and to whom."""

import main
from comfy_execution.asset_enrichment import emit_cached_output


def add_message(server, event, data, broadcast):
    if server.client_id is not None or broadcast:
        server.send_sync(event, {**data, "timestamp": 1}, server.client_id)


def execute(server, prompt_id, extra_data, outcome, steps):
    server.client_id = extra_data.get("client_id")
    add_message(server, "execution_start", {"prompt_id": prompt_id}, broadcast=False)
    add_message(server, "execution_cached", {"nodes": ["1"], "prompt_id": prompt_id}, broadcast=False)
    emit_cached_output(server, "1", prompt_id)
    if server.client_id is not None:
        server.last_node_id = "2"
        executing = {"node": "2", "display_node": "2", "prompt_id": prompt_id}
        server.send_sync("executing", executing, server.client_id)
    for step in range(steps):
        main.hook(server, step + 1, steps, b"image %d" % step)
    if outcome == "blocked":
        blocked = {"prompt_id": prompt_id, "exception_type": "ExecutionBlocked"}
        server.send_sync("execution_error", blocked, server.client_id)
    if outcome == "error":
        error = {
            "prompt_id": prompt_id,
            "node_id": "2",
            "node_type": "KSampler",
            "executed": [],
            "exception_message": "no\n",
            "exception_type": "RuntimeError",
            "traceback": [],
            "current_inputs": {},
            "current_outputs": [],
        }
        add_message(server, "execution_error", error, broadcast=False)
    elif outcome == "interrupted":
        add_message(server, "execution_interrupted", {"prompt_id": prompt_id}, broadcast=True)
    else:
        if server.client_id is not None:
            executed = {"node": "2", "display_node": "2", "output": {"images": []}, "prompt_id": prompt_id}
            server.send_sync("executed", executed, server.client_id)
        add_message(server, "execution_success", {"prompt_id": prompt_id}, broadcast=False)
    server.last_node_id = None
