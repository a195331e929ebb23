"""The snapshots of all nodes, since 0.3.44."""


def send_progress_state(server, prompt_id, value, total, image):
    node = {"value": value, "max": total, "state": "running", "node_id": "2", "prompt_id": prompt_id}
    server.send_sync("progress_state", {"prompt_id": prompt_id, "nodes": {"2": node}}, server.client_id)
    if _wants_metadata(server, server.client_id):
        server.send_sync(4, (image, {"node_id": "2"}), server.client_id)


def _wants_metadata(server, sid):
    return server.sockets_metadata.get(sid, {}).get("feature_flags", {}).get("supports_preview_metadata") is True
