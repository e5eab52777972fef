"""What a beginner's socket tutorial grows into: a thread for each client, and one lock around everybody.

A client's first line names the room that it listens to, and is answered; an empty one listens to none. Each later line is a
room, a space and words, which go to everybody who listens there.
"""
import socket
import sys
import threading

rooms = {}
lock = threading.Lock()


def serve(client):
    lines = client.makefile("rb")
    room = lines.readline().strip()
    with lock:
        rooms.setdefault(room, []).append(client)
    client.sendall(b"welcome\n")
    for line in lines:
        to, words = line.split(b" ", 1)
        with lock:
            for listener in rooms.get(to, []):
                listener.sendall(words)
    with lock:
        rooms[room].remove(client)


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=4096)
while True:
    client, address = listener.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
