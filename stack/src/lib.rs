//! A real broker and a real ClickHouse on this machine: started, watched, stopped.
