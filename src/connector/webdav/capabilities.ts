import type { Capabilities, CapabilityNote } from '../capabilities.ts'
import { posixNames } from '../name_rules.ts'
import { noName } from './addresses.ts'
import type { Server } from './server.ts'
import type { WebdavSettings } from './settings.ts'

/** Small contents wait in memory until they are published. */
const heldBytes = 64n * 1024n * 1024n
/** Apache keeps properties in a file of the same name, which is made under one of up to five characters more. */
const apacheSegment = 250

export function capabilitiesOf(
  { kind }: Pick<Server, 'kind'>,
  { times, maxSegment, partBytes }: Pick<WebdavSettings, 'times' | 'maxSegment' | 'partBytes'>,
): Capabilities {
  const most = kind === 'apache' ? apacheSegment : 255
  return {
    tree: {
      ...{ model: 'path', emptyContainers: true, links: false, identities: false },
      ...(kind === 'svn' ? { removal: 'versions' } : {}),
    },
    names: {
      ...posixNames,
      invalid: `${posixNames.invalid}${noName}`,
      controls: kind === 'svn',
      reserved: kind === 'apache' ? ['.', '..', '.DAV'] : kind === 'svn' ? ['.', '..', '!svn'] : ['.', '..'],
      maxSegment: { n: Math.min(maxSegment ?? most, most), unit: 'bytes' },
    },
    content: {
      rangedRead: true,
      resumable: kind === 'apache',
      ...(kind === 'apache' ? { resumeUnit: BigInt(partBytes) } : {}),
      batchBytes: heldBytes,
      hash: false,
      sparse: false,
    },
    times: {
      modified: times === 'properties' ? 'readwrite' : 'read',
      created: 'none',
      accessed: 'none',
      precisionNs: times === 'properties' ? 1n : 1_000_000_000n,
      // A commit each would be too much.
      containers: times === 'properties' && kind !== 'svn',
    },
    owners: { owner: 'none', group: 'none' },
    marks: { hidden: false, shared: false },
    permissions: { mode: 'none', deny: false, breakInheritance: false, named: false, rights: 0 },
    identity: { impersonation: false, directory: false },
    metadata: { user: 'none' },
  }
}

export function notesOf(
  { kind }: Pick<Server, 'kind'>,
  { insecure }: Pick<WebdavSettings, 'insecure'>,
  room: bigint | undefined,
): CapabilityNote[] {
  const notes: CapabilityNote[] = []
  if (insecure)
    notes.push({ capability: 'transport', why: 'insecure is set: whoever answers is believed to be the server' })
  if (kind !== 'apache') notes.push({ capability: 'content.resumable', why: 'an upload that broke off begins anew' })
  if (kind === 'other')
    notes.push({
      capability: 'replacing',
      why: 'a file is looked at right before it is replaced, not in one step with it',
    })
  if (room !== undefined)
    notes.push({ capability: 'quota', why: `the server says that there is room for ${room} bytes` })
  return notes
}
