import { execFileSync } from 'node:child_process'
import * as disk from 'node:fs'
import { join } from 'node:path'
import type { Grantee, Oracle } from './bench.ts'

/** Reads the disk with the tools of the system: `stat`, `getfacl`, `getfattr`. */
export function diskOracle(root: string): Oracle {
  const at = (path: readonly string[]) => (path.length === 0 ? root : join(root, ...path))
  return {
    put: (path, content) => disk.writeFileSync(at(path), content),
    makeContainer: (path) => disk.mkdirSync(at(path)),
    remove: (path) => disk.rmSync(at(path), { recursive: true }),
    content: (path) => {
      const stats = disk.lstatSync(at(path), { throwIfNoEntry: false })
      return stats?.isFile() ? disk.readFileSync(at(path)) : null
    },
    names: (path) => disk.readdirSync(at(path)),
    modifiedNs: (path) => nanoseconds(tool('stat', ['-c', '%.9Y', at(path)])),
    linkTarget: (path) => tool('readlink', ['-n', at(path)]),
    owners: (path) => {
      const [owner = '', group = ''] = tool('stat', ['-c', '%u %g', at(path)]).split(' ')
      return { owner, group }
    },
    ...(has('getfattr', 'attr', 'extended attributes')
      ? { metadata: (path: readonly string[]) => propertiesOf(at(path)) }
      : {}),
    ...(has('getfacl', 'acl', 'permissions')
      ? { access: (path: readonly string[], who: Grantee) => accessOf(at(path), who) }
      : {}),
  }
}

const tools = new Map<string, boolean>()

function has(name: string, debian: string, what: string): boolean {
  let there = tools.get(name)
  if (there === undefined) {
    try {
      tool(name, ['--version'])
      there = true
    } catch {
      there = false
      console.warn(`${what} not checked by a second channel: ${name} is missing (Debian: apt-get install ${debian})`)
    }
    tools.set(name, there)
  }
  return there
}

function tool(name: string, args: string[]): string {
  return execFileSync(name, args, { encoding: 'utf8' }).replace(/\n$/, '')
}

/** `-1.250000000` is a quarter of a second before the last second of 1969, as `stat` prints it. */
function nanoseconds(text: string): bigint {
  const [, sign, seconds = '0', fraction = '0'] = /^(-?)(\d+)\.(\d{9})$/.exec(text) ?? []
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction)
  return sign === '-' ? -ns : ns
}

/** Effective rights, the mask applied. */
function accessOf(path: string, who: Grantee): string {
  const lines = tool('getfacl', ['--absolute-names', '--numeric', '--omit-header', '--no-effective', path]).split('\n')
  const find = (prefix: string) => lines.find((line) => line.startsWith(prefix))?.slice(prefix.length) ?? ''
  const mask = find('mask::') || 'rwx'
  const masked = (perms: string) => [...perms].filter((p) => p !== '-' && mask.includes(p)).join('')
  if (who === 'owner') return find('user::').replaceAll('-', '')
  if (who === 'everyone') return find('other::').replaceAll('-', '')
  if (who === 'owning_group') return masked(find('group::'))
  return masked(find(`${who.type === 'account' ? 'user' : 'group'}:${who.id}:`))
}

function propertiesOf(path: string): Record<string, string> {
  const lines = tool('getfattr', ['--absolute-names', '--dump', '--encoding=hex', path]).split('\n')
  const found = lines.flatMap((line) => {
    const [, name, hex = ''] = /^user\.([^=]+)=?(?:0x)?([0-9a-f]*)$/.exec(line) ?? []
    return name === undefined ? [] : [[name, Buffer.from(hex, 'hex').toString()] as const]
  })
  return Object.fromEntries(found)
}
