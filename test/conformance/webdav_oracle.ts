import * as disk from 'node:fs'
import { join } from 'node:path'
import type { Oracle } from './bench.ts'

/** Where Apache keeps properties, beside what they are of. */
const state = '.DAV'

/** Reads and changes a collection by the files that are under Apache, and by its database of properties. */
export function webdavOracle(root: string): Oracle {
  const at = (path: readonly string[]) => join(root, ...path)
  const owner = disk.statSync(root)
  const giveAway = (path: string) => disk.chownSync(path, owner.uid, owner.gid)
  return {
    put(path, content) {
      disk.writeFileSync(at(path), content)
      giveAway(at(path))
    },
    makeContainer(path) {
      disk.mkdirSync(at(path))
      giveAway(at(path))
    },
    remove: (path) => disk.rmSync(at(path), { recursive: true }),
    content: (path) => {
      const stats = disk.lstatSync(at(path), { throwIfNoEntry: false })
      return stats?.isFile() ? disk.readFileSync(at(path)) : null
    },
    names: (path) => disk.readdirSync(at(path)).filter((name) => name !== state),
    modifiedNs(path) {
      const { mtimeNs, size } = disk.statSync(at(path), { bigint: true })
      const isFolder = disk.statSync(at(path)).isDirectory()
      const [folder, name] = isFolder ? [at(path), '.state_for_dir'] : [at(path.slice(0, -1)), path.at(-1)!]
      // Whichever kind of database its libraries make.
      const databases = [name, `${name}.pag`].map((file) => join(folder, state, file))
      const database = databases.find((file) => disk.existsSync(file))
      const kept = database === undefined ? '' : disk.readFileSync(database, 'latin1')
      // As Apache makes etags: size and microseconds.
      const etag = `${size.toString(16)}-${(mtimeNs / 1000n).toString(16)}`
      const [, sign, seconds, fraction] =
        new RegExp(`(-?)(\\d+)\\.(\\d{9})${isFolder ? '' : ` ${etag}`}`).exec(kept) ?? []
      if (seconds === undefined) return mtimeNs - (mtimeNs % 1_000_000_000n)
      const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction!)
      return sign === '-' ? -ns : ns
    },
  }
}
