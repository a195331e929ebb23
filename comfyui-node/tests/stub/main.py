"""What ComfyUI's main.py sends, and to whom."""

import execution
from comfy_execution import progress


def hook(server, value, total, image):
    data = {"value": value, "max": total, "prompt_id": server.last_prompt_id, "node": server.last_node_id}
    wants_metadata = False
    if hasattr(server, "sockets_metadata"):
        data["node"] = "2"
        progress.send_progress_state(server, data["prompt_id"], value, total, image)
        wants_metadata = progress._wants_metadata(server, server.client_id)
    server.send_sync("progress", data, server.client_id)
    if not wants_metadata:
        server.send_sync(2, image, server.client_id)


def prompt_worker(server, prompt_id, extra_data, outcome="success", steps=3):
    """One turn of the worker thread's loop."""
    server.queue_updated()
    server.last_prompt_id = prompt_id
    execution.execute(server, prompt_id, extra_data, outcome, steps)
    server.queue_updated()
    if server.client_id is not None:
        server.send_sync("executing", {"node": None, "prompt_id": prompt_id}, server.client_id)
