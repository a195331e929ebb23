//! What comfyglow's tests share: recordings, a model of the session, splitters and generators.
