import { Permits } from '../io/permits.ts'

/** What of one content a platform may hold in memory from staging it until it is published: one part, or all of a small one. */
const mostHeldBytes = 8 * 1024 * 1024

/** What a slot of an asynchronous execution has under way: operations side by side, and contents held until they are published. */
export class InFlight {
  readonly operations: Permits
  /** In bytes. Enough for as many contents as there are operations, so that no operation waits for it alone. */
  readonly memory: Permits

  constructor(width: number) {
    this.operations = new Permits(width)
    this.memory = new Permits(width * mostHeldBytes)
  }

  heldBy(sizeBytes: bigint): number {
    return sizeBytes > BigInt(mostHeldBytes) ? mostHeldBytes : Number(sizeBytes)
  }
}
