/** Loaded before anything else (`--import`), in every thread of a process: there is a platform `promised_fs`. */
import { addPlatform } from '../../src/connector/registry.ts'
import { promisedFs } from './promised_fs.ts'

addPlatform(promisedFs)

/** For `NODE_OPTIONS` of a process, or of the threads that this one starts from now on. */
export const withPromisedFs = `--import=${import.meta.url}`
