// The live stream, read with fetch because an API key goes in a header, which EventSource cannot send.

/** Split what has arrived into whole server-sent events: [data of each, rest]. Comments are dropped. */
export function cut(text) {
  const blocks = text.replaceAll("\r\n", "\n").split("\n\n");
  const rest = blocks.pop();
  const said = blocks
    .map((block) => block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n"))
    .filter(Boolean);
  return [said, rest];
}

/** Read until told to stop, events in the batches that they arrive in; comes back by itself, waiting a little longer each time. */
export function openStream(api, { onEvents, onState }) {
  const stop = new AbortController();
  read(api, { onEvents, onState, signal: stop.signal });
  return () => stop.abort();
}

async function read(api, { onEvents, onState, signal }) {
  let wait = 500;
  while (!signal.aborted) {
    try {
      onState("connecting");
      const answer = await api.send("/v1/events/live", { signal });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      onState("on");
      wait = 500;
      await drain(answer.body, onEvents);
    } catch (error) {
      if (signal.aborted) return;
    }
    onState("off");
    await new Promise((done) => { setTimeout(done, wait); });
    wait = Math.min(wait * 1.7, 8000);
  }
}

async function drain(body, onEvents) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const [said, left] = cut(rest + value);
    rest = left;
    if (said.length) onEvents(said.map((data) => JSON.parse(data)));
  }
}
