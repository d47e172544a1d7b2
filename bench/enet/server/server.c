/*
 * The ENet reference: answers every packet of a client with one of a fixed size, at the tick.
 *
 * It is as favourable to ENet as a game server can be: no encryption, no checksum, no compression, unreliable
 * packets, no wake-up per packet (it sleeps to absolute deadlines and then drains), throttling off, a receive buffer
 * that holds a whole tick. Prints {"addr"} when ready; answers each line on standard input with its CPU time
 * (getrusage) and the packets answered; ends when standard input ends.
 *
 * usage: enet-server <clients> <ticks a second> <reply bytes>
 */
#include <enet/enet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double micros(struct timeval t) { return t.tv_sec * 1e6 + t.tv_usec; }

/* Answers a command if one waits; returns 0 when standard input has ended. */
static int console(unsigned long long replies) {
    struct pollfd p = {.fd = 0, .events = POLLIN};
    if (poll(&p, 1, 0) <= 0) return 1;
    char line[256];
    if (read(0, line, sizeof line) <= 0) return 0;
    struct rusage r;
    struct timespec now;
    getrusage(RUSAGE_SELF, &r);
    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("{\"cpu_us\":%.0f,\"wall_us\":%.0f,\"ops\":%llu}\n", micros(r.ru_utime) + micros(r.ru_stime),
           now.tv_sec * 1e6 + now.tv_nsec / 1e3, replies);
    fflush(stdout);
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    size_t clients = (size_t)atoi(argv[1]);
    long period = 1000000000L / atoi(argv[2]);
    size_t reply_bytes = (size_t)atoi(argv[3]);
    char *reply = calloc(1, reply_bytes);

    if (enet_initialize() != 0) return 1;
    ENetAddress address = {.port = 0};
    enet_address_set_host_ip(&address, "127.0.0.1");
    ENetHost *host = enet_host_create(&address, clients, 1, 0, 0);
    if (host == NULL) {
        fprintf(stderr, "enet_host_create failed\n");
        return 1;
    }
    int room = 4 << 20;
    if (setsockopt(host->socket, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
        setsockopt(host->socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    printf("{\"addr\":\"127.0.0.1:%d\"}\n", host->address.port);
    fflush(stdout);

    unsigned long long replies = 0;
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    for (;;) {
        deadline.tv_nsec += period;
        if (deadline.tv_nsec >= 1000000000L) {
            deadline.tv_nsec -= 1000000000L;
            deadline.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL);
        if (!console(replies)) return 0;

        ENetEvent event;
        while (enet_host_service(host, &event, 0) > 0) {
            switch (event.type) {
            case ENET_EVENT_TYPE_CONNECT:
                enet_peer_throttle_configure(event.peer, 5000, 32, 0);
                break;
            case ENET_EVENT_TYPE_RECEIVE:
                enet_packet_destroy(event.packet);
                ENetPacket *p = enet_packet_create(reply, reply_bytes, 0);
                if (enet_peer_send(event.peer, 0, p) == 0)
                    replies++;
                else
                    enet_packet_destroy(p);
                break;
            default:
                break;
            }
        }
        enet_host_flush(host);
    }
}
