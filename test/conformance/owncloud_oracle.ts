import { createHash, randomUUID } from 'node:crypto'
import * as disk from 'node:fs'
import { join } from 'node:path'
import type { Started } from '../../scripts/testbed/server.ts'
import type { Oracle } from './bench.ts'

interface Xattrs {
  getAttributeSync(path: string, name: string): Buffer
  setAttributeSync(path: string, name: string, value: Buffer): void
}

/**
 * Reads and changes a space by the files in which Infinite Scale keeps it: each item is a node with an id, named by a link in the
 * node of its folder, with what is known of it in extended attributes, and its bytes in a blob.
 * What is removed the server remembers for a while, so that is asked of it.
 *
 * @param root names from the space down
 */
export function owncloudOracle(server: Started, root: readonly string[], xattrs: Xattrs): Oracle {
  const { data, auth } = server
  const space = spaceIn(data)
  const nodeOf = (id: string) => join(space, 'nodes', split(id))
  const attribute = (node: string, name: string) => xattrs.getAttributeSync(node, `user.ocis.${name}`).toString()
  const set = (node: string, attributes: Record<string, string | Buffer>) => {
    for (const [name, value] of Object.entries(attributes))
      xattrs.setAttributeSync(node, `user.ocis.${name}`, Buffer.from(value))
  }
  /** The node of an item, null where there is none. */
  const find = (path: readonly string[]): string | null => {
    let node = nodeOf(spaceId)
    for (const name of [...root, ...path]) {
      const link = join(node, name)
      if (!disk.lstatSync(link, { throwIfNoEntry: false })) return null
      node = disk.realpathSync(link)
    }
    return node
  }
  const there = (path: readonly string[]): string => {
    const node = find(path)
    if (node === null) throw new Error(`there is no ${path.join('/')}`)
    return node
  }
  const add = (path: readonly string[], make: (node: string) => void): string => {
    const parent = there(path.slice(0, -1))
    const id = randomUUID()
    const node = nodeOf(id)
    disk.mkdirSync(join(node, '..'), { recursive: true })
    make(node)
    const name = path.at(-1) ?? ''
    set(node, { name, parentid: idOf(parent), blobid: '', blobsize: '0' })
    disk.symlinkSync(join('../../../../..', split(id)), join(parent, name))
    return node
  }
  return {
    put(path, content) {
      const node = find(path) ?? add(path, (node) => disk.writeFileSync(node, ''))
      const blob = randomUUID()
      const file = join(space, 'blobs', split(blob))
      disk.mkdirSync(join(file, '..'), { recursive: true })
      disk.writeFileSync(file, content)
      const hashes = { 'cs.sha1': digest('sha1', content), 'cs.md5': digest('md5', content) }
      set(node, { blobid: blob, blobsize: String(content.length), ...hashes })
      const now = new Date()
      disk.utimesSync(node, now, now)
    },
    makeContainer(path) {
      const node = add(path, (node) => disk.mkdirSync(node))
      // What lies in it is subtracted when it goes, also what we put there and never added.
      for (const folder of [node, nodeOf(spaceId)])
        set(folder, { treesize: '1000000000000', propagation: '1', tmtime: new Date().toISOString() })
    },
    async remove(path) {
      const id = idOf(there(path))
      const ask = async (what: string) => {
        const init = { method: 'DELETE', headers: { authorization: `Bearer ${String(auth['token'])}` } }
        const { ok, status } = await fetch(`${String(auth['url'])}/remote.php/dav/${what}`, init)
        if (!ok) throw new Error(`DELETE ${what}: ${status}`)
      }
      await ask(`files/einstein/${[...root, ...path].map(encodeURIComponent).join('/')}`)
      await ask(`spaces/trash-bin/${spaceId}/${id}`)
    },
    content(path) {
      const node = find(path)
      if (node === null || disk.statSync(node).isDirectory()) return null
      return disk.readFileSync(join(space, 'blobs', split(attribute(node, 'blobid'))))
    },
    names(path) {
      const names = disk.readdirSync(there(path))
      return path.length > 0 ? names : [...names, ...leftIn(server, xattrs)]
    },
    modifiedNs(path) {
      const { mtimeNs } = disk.statSync(there(path), { bigint: true })
      const past = ((mtimeNs % second) + second) % second
      return mtimeNs - past
    },
  }
}

const second = 1_000_000_000n

/** Uploads that are neither finished nor given up, and stagings in the trash. */
export function leftIn({ data }: Started, xattrs: Xattrs): string[] {
  const uploads = disk.readdirSync(join(data, 'uploads')).filter((name) => name.endsWith('.info'))
  const trash = join(spaceIn(data), 'trash')
  const trashed = disk.existsSync(trash) ? disk.readdirSync(trash, { recursive: true, encoding: 'utf8' }) : []
  const names = trashed
    .filter((path) => path.includes('.T.'))
    .map((path) => xattrs.getAttributeSync(disk.realpathSync(join(trash, path)), 'user.ocis.name').toString())
    .filter((name) => name.startsWith('.~'))
  return [...uploads.map((name) => `upload ${name}`), ...names.map((name) => `in the trash: ${name}`)]
}

/** Of the account `einstein`, which is the same on each such server. */
const spaceId = '4c510ada-c86b-4815-8820-42cdf82c3d51'

function spaceIn(data: string): string {
  return join(data, 'spaces', spaceId.slice(0, 2), spaceId.slice(2))
}

/** `12/34/56/78/-9…`, as the server spreads ids over folders. */
function split(id: string): string {
  return join(...[0, 2, 4, 6].map((at) => id.slice(at, at + 2)), id.slice(8))
}

function idOf(node: string): string {
  return node.split('/').slice(-5).join('')
}

function digest(algorithm: string, content: Uint8Array): Buffer {
  return createHash(algorithm).update(content).digest()
}
