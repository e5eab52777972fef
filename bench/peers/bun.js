// uWebSockets as bun brings it: `/receive?room=r7` receives what is posted in r7; a message `r7 words` on any other path
// posts words there. Publishing happens in native code, once for all receivers.
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request, server) {
    const room = new URL(request.url).searchParams.get("room");
    if (!server.upgrade(request, { data: { room } })) return new Response("a WebSocket, please\n", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    // Neither pings nor timeouts, as at every other server of the run.
    idleTimeout: 0,
    sendPings: false,
    // A receiver that is behind gets everything later, as at every other server of the run.
    backpressureLimit: 1024 * 1024 * 1024,
    open(socket) {
      if (socket.data.room !== null) socket.subscribe(socket.data.room);
    },
    message(socket, text) {
      const space = text.indexOf(" ");
      server.publish(text.slice(0, space), text.slice(space + 1));
    },
  },
});
