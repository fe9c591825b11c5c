import type { Directory, PrincipalQuery } from '../connector.ts'
import type { Principal } from '../item.ts'
import type { Channel } from './channel.ts'

/**
 * Who the numbers on the server's files are, from its passwd and group files where the account may read them: most servers
 * lock accounts into a folder of theirs, and then numbers are all there is.
 */
export class Accounts implements Directory {
  readonly name: string
  readonly #principals: Principal[] = []
  readonly #byId = new Map<string, Principal>()

  private constructor(name: string) {
    this.name = name
  }

  static async of(channel: Channel, name: string): Promise<Accounts> {
    const accounts = new Accounts(name)
    for (const [username, , uid, , gecos] of await table(channel, '/etc/passwd')) {
      const full = gecos?.split(',', 1)[0]
      accounts.#add('account', uid, { ...(username ? { username } : {}), ...(full ? { name: full } : {}) })
    }
    for (const [group, , gid] of await table(channel, '/etc/group'))
      accounts.#add('group', gid, group ? { username: group, name: group } : {})
    return accounts
  }

  get isEmpty(): boolean {
    return this.#principals.length === 0
  }

  of(type: Principal['type'], id: number): Principal {
    return this.#byId.get(`${type} ${id}`) ?? { type, directory: this.name, id: String(id) }
  }

  find({ type, id, email, username, name }: PrincipalQuery): Principal[] {
    if (email !== undefined) return []
    return this.#principals.filter(
      (p) =>
        p.type === type &&
        (id === undefined || p.id === id) &&
        (username === undefined || p.username?.toLowerCase() === username.toLowerCase()) &&
        (name === undefined || p.name?.toLowerCase() === name.toLowerCase()),
    )
  }

  #add(type: Principal['type'], id: string | undefined, who: Partial<Principal>): void {
    if (id === undefined || !/^\d{1,10}$/.test(id) || this.#byId.has(`${type} ${id}`)) return
    const principal: Principal = { type, directory: this.name, id, ...who }
    this.#byId.set(`${type} ${id}`, principal)
    this.#principals.push(principal)
  }
}

const maxBytes = 1024 * 1024

async function table(channel: Channel, path: string): Promise<string[][]> {
  try {
    const handle = await channel.open(path, 'r', path)
    const content = Buffer.alloc(maxBytes)
    let filled = 0
    try {
      for (let n = -1; n !== 0 && filled < maxBytes; filled += n)
        n = await channel.read(handle, content.subarray(filled, filled + 32_768), filled, path)
    } finally {
      await channel.closeHandle(handle, path)
    }
    const text = content.toString('utf8', 0, filled)
    return text.split('\n').map((line) => line.split(':'))
  } catch {
    // Not there, or not for this account: numbers it is.
    return []
  }
}
