import { apache } from './apache.ts'
import { owncloud } from './owncloud.ts'
import { s3 } from './s3.ts'
import type { TestServer } from './server.ts'
import { sftp } from './sftp.ts'

/** The servers there are to try against. */
export const servers: readonly TestServer[] = [apache, owncloud, s3, sftp]
