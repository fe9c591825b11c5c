import type { NewContainers, Placing, StagedContainer } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Item } from '../item.ts'
import { itemOf } from './facts.ts'
import { stagingName } from './names.ts'
import type { Puts } from './puts.ts'
import type { Server } from './server.ts'

/** Folders filled under their keys and moved to their names when nothing has these: one request a file. */
export class NewFolders implements NewContainers {
  readonly #server: Server
  readonly #puts: Puts

  constructor(server: Server, puts: Puts) {
    this.#server = server
    this.#puts = puts
  }

  async stage(container: string, key: string): Promise<StagedContainer> {
    const id = this.#server.childId(container, stagingName(key))
    await this.#server.makeFolder(id)
    const there = await this.#server.entry(id)
    if (!there) throw new ConnectorError('NotFound', 'is gone', { id })
    return { id, identity: there.fileId ?? '' }
  }

  async put({ id: folder }: StagedContainer, name: string, { content, attributes }: Placing): Promise<Item> {
    this.#server.checkName(name)
    this.#server.refuse(attributes)
    const id = this.#server.childId(folder, name)
    return itemOf(id, await this.#puts.put(id, { bytes: content, modifiedNs: attributes.modifiedNs }))
  }

  async publish({ id, identity }: StagedContainer, target: { container: string; name: string }): Promise<void> {
    this.#server.checkName(target.name)
    const to = this.#server.childId(target.container, target.name)
    try {
      await this.#server.move(id, to)
    } catch (error) {
      // The answer to an earlier try may have been lost.
      if (!(error instanceof ConnectorError) || (await this.#server.entry(to))?.fileId !== identity) throw error
    }
  }

  async discard(container: string, key: string, names: readonly string[]): Promise<boolean> {
    const id = this.#server.childId(container, stagingName(key))
    if (!(await this.#server.entry(id))) return true
    const ours = new Set(names)
    const others = []
    for await (const { name } of this.#server.children(id)) if (!ours.has(name)) others.push(name)
    if (others.length === 0) await this.#server.removeForGood(id)
    else for (const name of names) await this.#server.removeForGood(this.#server.childId(id, name))
    return others.length === 0
  }
}
