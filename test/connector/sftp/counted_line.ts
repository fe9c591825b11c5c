import { connect, createServer, type AddressInfo, type Server } from 'node:net'

/** A way to the server that counts what goes there. */
export class CountedLine {
  sentBytes = 0
  readonly #server: Server

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const there = connect(port, '127.0.0.1')
      for (const [from, to] of [
        [client, there],
        [there, client],
      ] as const) {
        from.setNoDelay(true).on('error', () => to.destroy())
        from.pipe(to)
      }
      client.on('data', (chunk: Buffer) => (this.sentBytes += chunk.length))
    })
  }

  static async to(port: number): Promise<CountedLine> {
    const line = new CountedLine(port)
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve))
    return line
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#server.close()
  }
}
