import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

type Fault = 'none' | 'refuse' | 'hang' | 'reset';

/** A TCP proxy in front of a server that a test can make refuse, hang or reset connections. */
export class FaultProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #fault: Fault = 'none';

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(host: string, port: number): Promise<FaultProxy> {
    const server = createServer();
    const proxy = new FaultProxy(server);
    server.on('connection', (client) => proxy.#accept(client, host, port));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes effect at once, on open connections too. */
  set(fault: Fault): void {
    this.#fault = fault;
    for (const socket of this.#sockets) {
      if (fault === 'hang') socket.pause();
      else if (fault === 'none') socket.resume();
      else if (fault === 'reset') socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket, host: string, port: number): void {
    this.#track(client);
    if (this.#fault === 'refuse') {
      client.destroy();
      return;
    }
    if (this.#fault === 'reset') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(port, host);
    this.#track(upstream);
    client.pipe(upstream);
    upstream.pipe(client);
    if (this.#fault === 'hang') {
      client.pause();
      upstream.pause();
    }
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
