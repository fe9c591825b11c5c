import type { Capabilities, Limit } from '../src/connector/capabilities.ts'
import type { SettingDescription } from '../src/connector/connector.ts'
import { capabilitiesOf as ofFs } from '../src/connector/fs/capabilities.ts'
import { settingsOf as fsSettings } from '../src/connector/fs/settings.ts'
import { capabilitiesOf as ofOwncloud } from '../src/connector/owncloud/capabilities.ts'
import { settings as owncloudSettings, settingsOf as owncloudSettingsOf } from '../src/connector/owncloud/settings.ts'
import { capabilitiesOf as ofS3 } from '../src/connector/s3/capabilities.ts'
import { settings as s3Settings, settingsOf } from '../src/connector/s3/settings.ts'
import { capabilitiesOf as ofSftp } from '../src/connector/sftp/capabilities.ts'
import { settings as sftpSettings } from '../src/connector/sftp/settings.ts'
import { capabilitiesOf as ofWebdav } from '../src/connector/webdav/capabilities.ts'
import { settings as webdavSettings, settingsOf as webdavSettingsOf } from '../src/connector/webdav/settings.ts'
import { abilities as ofVault } from '../src/connector/vault/abilities.ts'

/** Each at its best: what a connection takes away from it, `connection test` says. */
export const bestOf: Readonly<Record<string, Capabilities>> = {
  fs: ofFs(fsSettings({ root: '/' }), {
    ...{ byHandle: true, noAcls: undefined, noProperties: undefined, aclsUnseen: false },
    ...{ canChown: true, statesBirths: true, knowsWhose: true, precisionNs: 1n },
  }).capabilities,
  vault: ofVault({}),
  s3: ofS3(settingsOf({ bucket: 'bucket' }), { tellsControls: true, keepsVersions: true }),
  sftp: ofSftp({ has: () => true }, { isEmpty: false }, 'root').capabilities,
  owncloud: ofOwncloud(owncloudSettingsOf({ url: 'https://host' })),
  webdav: ofWebdav({ kind: 'apache' }, webdavSettingsOf({ url: 'https://host' })),
}

const rows: readonly [string, (can: Capabilities) => string][] = [
  ['an item is known by', ({ tree }) => (tree.model === 'path' ? 'its path' : 'an id')],
  ['keeps its identity when renamed', ({ tree }) => yes(tree.identities !== false)],
  ['folders can be moved and renamed', ({ tree }) => yes(tree.moves === undefined)],
  ['what is removed', ({ tree }) => removed(tree.removal)],
  ['symbolic links', ({ tree }) => yes(tree.links)],
  ['longest name', ({ names }) => limit(names.maxSegment)],
  ['longest path', ({ names }) => limit(names.maxPath)],
  ['several items of one name', ({ names }) => yes(names.duplicateNames)],
  ['largest file', ({ content }) => (content.maxBytes === undefined ? '–' : `${content.maxBytes / 1024n ** 4n} TiB`)],
  ['long files go on after a death', ({ content }) => yes(content.resumable)],
  ['holes of sparse files', ({ content }) => yes(content.sparse)],
  ['modified, of files', ({ times }) => does(times.modified)],
  ['modified, of folders', ({ times }) => (times.containers ? does(times.modified) : 'no')],
  ['created', ({ times }) => does(times.created)],
  ['accessed', ({ times }) => does(times.accessed)],
  ['owner and group', ({ owners }) => does(owners.owner)],
  ['permissions', ({ permissions }) => does(permissions.mode)],
  ['grants to somebody by name', ({ permissions }) => yes(permissions.named)],
  ['properties', ({ metadata }) => does(metadata.user)],
]

/** The table in docs/platforms.md of what each can. */
export function platformsTable(): string {
  const names = Object.keys(bestOf)
  const lines = rows.map(([what, say]) => `| ${what} | ${names.map((name) => say(bestOf[name]!)).join(' | ')} |`)
  return [
    `| | ${names.map((name) => `\`${name}\``).join(' | ')} |`,
    `| --- |${' --- |'.repeat(names.length)}`,
    ...lines,
    '',
  ].join('\n')
}

/** The tables there of what a connection may say. */
export const settingsTables: Readonly<Record<string, string>> = {
  s3: settingsTable('s3', s3Settings),
  sftp: settingsTable('sftp', sftpSettings),
  owncloud: settingsTable('owncloud', owncloudSettings),
  webdav: settingsTable('webdav', webdavSettings),
}

function settingsTable(platform: string, settings: readonly SettingDescription[]): string {
  const lines = settings.map(({ key, meaning, required, values }) => {
    const words = values ? ` (${values.join(', ')})` : ''
    return `| \`${key}\`${required ? ', needed' : ''} | ${meaning}${words} |`
  })
  return [`| setting of \`${platform}\` | means |`, '| --- | --- |', ...lines, ''].join('\n')
}

function yes(is: boolean): string {
  return is ? 'yes' : 'no'
}

function removed(kept: Capabilities['tree']['removal']): string {
  return kept === undefined ? 'is gone' : { trash: 'is in the trash', versions: 'is a former version' }[kept]
}

function does(can: 'none' | 'read' | 'readwrite'): string {
  return { none: 'no', read: 'read', readwrite: 'read and set' }[can]
}

function limit(at: Limit | undefined): string {
  return at === undefined ? '–' : `${at.n} ${at.unit === 'utf16' ? 'UTF-16 units' : at.unit}`
}
