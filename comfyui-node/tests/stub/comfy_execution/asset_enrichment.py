"""Where newer versions tell of cached outputs; older ones do so in execution.py."""


def emit_cached_output(server, node_id, prompt_id):
    if server.client_id is None:
        return
    data = {"node": node_id, "display_node": node_id, "output": None, "prompt_id": prompt_id}
    server.send_sync("executed", data, server.client_id)
