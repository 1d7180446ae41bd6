"""What a distributed program does first, on bare sockets: all ranks meet at MASTER_ADDR and add up their numbers.

The variables are those of torchrun (torch.distributed, init_method="env://"): MASTER_ADDR, MASTER_PORT, RANK and
WORLD_SIZE.
"""

import os
import socket
import time

rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
meeting = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])


def first() -> int:
    """Rank 0 hears all others and tells them the sum."""
    with socket.create_server(meeting) as server:
        others = [server.accept()[0] for _ in range(size - 1)]
        numbers = [int(other.makefile().readline()) for other in others]
        total = rank + sum(numbers)
        for other in others:
            other.sendall(b"%d\n" % total)
            other.close()
    return total


def other() -> int:
    """The others keep knocking until rank 0 is there, and wait for the sum."""
    while True:
        try:
            connection = socket.create_connection(meeting)
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    with connection:
        connection.sendall(b"%d\n" % rank)
        return int(connection.makefile().readline())


total = other() if rank else first()
print(f"rank {rank} of {size} on {os.environ['SLURMD_NODENAME']}: the sum is {total}")
