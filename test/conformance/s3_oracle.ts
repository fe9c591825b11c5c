import { createHash, randomBytes } from 'node:crypto'
import * as disk from 'node:fs'
import { join } from 'node:path'
import type { Oracle } from './bench.ts'

interface Xattrs {
  getAttributeSync(path: string, name: string): Buffer
  setAttributeSync(path: string, name: string, value: Buffer): void
}

/** Where the server keeps what it is at: uploads that are neither completed nor aborted. */
const atWork = '.sgwtmp'

/** Reads and changes a bucket by the files in which versitygw keeps it, with etag and metadata in extended attributes. */
export function s3Oracle(root: string, xattrs: Xattrs): Oracle {
  const at = (path: readonly string[]) => join(root, ...path)
  const attribute = (path: string, name: string): string | undefined => {
    try {
      return xattrs.getAttributeSync(path, `user.${name}`).toString()
    } catch {
      return undefined
    }
  }
  const tag = (path: string, content: Uint8Array) => {
    const etag = `"${createHash('md5').update(content).digest('hex')}"`
    xattrs.setAttributeSync(path, 'user.etag', Buffer.from(etag))
  }
  return {
    put(path, content) {
      // As the server does it: whoever reads the former content goes on with that.
      const staged = join(root, atWork, randomBytes(8).toString('hex'))
      disk.mkdirSync(join(root, atWork), { recursive: true })
      disk.writeFileSync(staged, content)
      tag(staged, content)
      disk.renameSync(staged, at(path))
    },
    makeContainer(path) {
      disk.mkdirSync(at(path))
      tag(at(path), Buffer.alloc(0))
    },
    remove: (path) => disk.rmSync(at(path), { recursive: true }),
    content: (path) => {
      const stats = disk.lstatSync(at(path), { throwIfNoEntry: false })
      return stats?.isFile() ? disk.readFileSync(at(path)) : null
    },
    names(path) {
      const there = disk.readdirSync(at(path)).filter((name) => name !== atWork)
      return path.length > 0 ? there : [...there, ...uploadsIn(root)]
    },
    modifiedNs(path) {
      const metadata = JSON.parse(attribute(at(path), 'metadata') ?? '{}') as { mtime?: string }
      const carried = /^(-?)(\d+)\.(\d{9})$/.exec(metadata.mtime ?? '')
      const { mtimeNs } = disk.statSync(at(path), { bigint: true })
      if (!carried) return mtimeNs - (mtimeNs % 1_000_000_000n)
      const ns = BigInt(carried[2]!) * 1_000_000_000n + BigInt(carried[3]!)
      return carried[1] === '-' ? -ns : ns
    },
  }
}

/** Uploads that are under way, or were left: `multipart/<hash of the key>/<upload id>`. */
export function uploadsIn(root: string): string[] {
  const folder = join(root, atWork, 'multipart')
  if (!disk.existsSync(folder)) return []
  return disk.readdirSync(folder).flatMap((key) => disk.readdirSync(join(folder, key)).map((id) => `upload ${id}`))
}
