import type { Capabilities, NameRules } from '../capabilities.ts'
import { posixNames, windowsNames } from '../name_rules.ts'

const longestName = 255
const rules: Record<'any' | 'windows', NameRules> = {
  any: { ...posixNames, duplicateNames: true },
  windows: { ...windowsNames, duplicateNames: true },
}

export interface Overlay {
  names?: 'any' | 'windows'
  maxBytes?: bigint
  maxSegment?: number
}

export function abilities({ names = 'any', maxBytes, maxSegment = longestName }: Overlay): Capabilities {
  return {
    tree: { model: 'id', emptyContainers: true, links: false },
    names: { ...rules[names], maxSegment: { n: Math.min(maxSegment, longestName), unit: 'utf16' } },
    content: {
      ...(maxBytes !== undefined && { maxBytes }),
      rangedRead: true,
      resumable: true,
      hash: true,
      sparse: false,
    },
    times: {
      modified: 'readwrite',
      created: 'readwrite',
      accessed: 'none',
      precisionNs: 1n,
      containers: true,
      range: { firstNs: -(2n ** 63n), lastNs: 2n ** 63n - 1n },
    },
    owners: { owner: 'none', group: 'none' },
    marks: { hidden: false, shared: false },
    permissions: { mode: 'none', deny: false, breakInheritance: false, named: false, rights: 0 },
    identity: { impersonation: false, directory: false },
    metadata: { user: 'none' },
  }
}
