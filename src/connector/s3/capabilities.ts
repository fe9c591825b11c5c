import type { Capabilities } from '../capabilities.ts'
import type { S3Settings } from './settings.ts'

/** Of one PUT, one part, one copy. */
export const largestSingleBytes = 5n * 1024n ** 3n
export const largestBytes = 5n * 1024n ** 4n
export const mostParts = 10_000
const longestKey = 1024
/** Contents that are small enough to be sent in one request wait in memory until they are published. */
const heldBytes = 64n * 1024n * 1024n

/** What a bucket, or its server, was found to do. */
export interface Bucket {
  /** Its listings can tell names with control characters in them. */
  tellsControls: boolean
  /** What is removed or replaced stays as a former version. */
  keepsVersions: boolean
}

export function capabilitiesOf(
  { prefix, maxSegment, times, partBytes }: S3Settings,
  { tellsControls, keepsVersions }: Bucket,
): Capabilities {
  // A folder has a slash at its end.
  const room = longestKey - Buffer.byteLength(prefix) - 1
  return {
    tree: {
      model: 'path',
      emptyContainers: true,
      links: false,
      identities: false,
      moves: 'items',
      ...(keepsVersions ? { removal: 'versions' } : {}),
    },
    names: {
      unicode: 'bytes',
      caseSensitive: true,
      duplicateNames: false,
      invalid: '/\0',
      leading: '',
      // What is escaped ends so, and escapes are not taken for names (`keys.ts`).
      trailing: '\uFFFD',
      controls: !tellsControls,
      reserved: ['.', '..'],
      reservedStems: false,
      invalidExtensions: [],
      maxSegment: { n: Math.min(maxSegment ?? room, room), unit: 'bytes' },
      maxPath: { n: room, unit: 'bytes' },
    },
    content: {
      maxBytes: largestBytes,
      rangedRead: true,
      resumable: true,
      resumeUnit: BigInt(partBytes),
      batchBytes: heldBytes,
      hash: false,
      sparse: false,
    },
    times: {
      modified: times === 'metadata' ? 'readwrite' : 'read',
      created: 'none',
      accessed: 'none',
      precisionNs: times === 'metadata' ? 1n : 1_000_000_000n,
      containers: false,
    },
    owners: { owner: 'none', group: 'none' },
    marks: { hidden: false, shared: false },
    permissions: { mode: 'none', deny: false, breakInheritance: false, named: false, rights: 0 },
    identity: { impersonation: false, directory: false },
    metadata: { user: 'none' },
  }
}
