import type { Capabilities } from '../capabilities.ts'
import { nameRulesOf } from './names.ts'
import type { OwncloudSettings } from './settings.ts'

const second = 1_000_000_000n
/** Replacements that go in one request wait in memory until they are published. */
const heldBytes = 64n * 1024n * 1024n
/** Nextcloud takes nothing of the first day; Infinite Scale keeps times in nanoseconds, on file systems that may begin in 1901. */
const firstSecond = { ocis: -(2n ** 31n), owncloud10: 0n, nextcloud: 86_401n }
const lastSecond = 9_223_372_036n

export function capabilitiesOf({ dialect, partBytes }: OwncloudSettings): Capabilities {
  return {
    tree: { model: 'path', emptyContainers: true, links: false, removal: 'trash' },
    names: nameRulesOf(dialect),
    content: {
      rangedRead: true,
      resumable: true,
      resumeUnit: BigInt(partBytes),
      batchBytes: heldBytes,
      hash: false,
      sparse: false,
    },
    times: {
      modified: 'readwrite',
      created: 'none',
      accessed: 'none',
      precisionNs: second,
      containers: false,
      range: { firstNs: firstSecond[dialect] * second, lastNs: lastSecond * second },
    },
    owners: { owner: 'none', group: 'none' },
    marks: { hidden: false, shared: false },
    permissions: { mode: 'none', deny: false, breakInheritance: false, named: false, rights: 0 },
    identity: { impersonation: false, directory: false },
    metadata: { user: 'none' },
  }
}
