import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface AuditedRequest {
  readonly verb: string;
  readonly user: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly code: number;
}

const writes = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** Reads the API server's audit log from the place where it ended when this object was made: the proof of who wrote what. */
export class AuditTail {
  readonly #file: string;
  readonly #from: number;

  constructor(clusterDir: string) {
    this.#file = join(clusterDir, 'audit.log');
    this.#from = statSync(this.#file).size;
  }

  requests(): AuditedRequest[] {
    const size = statSync(this.#file).size - this.#from;
    const buffer = Buffer.alloc(size);
    const handle = openSync(this.#file, 'r');
    readSync(handle, buffer, 0, size, this.#from);
    closeSync(handle);
    return buffer
      .toString('utf8')
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map(toRequest);
  }

  writesBy(user: string): AuditedRequest[] {
    return this.requests().filter((request) => request.user === user && writes.has(request.verb));
  }

  scaleWrites(namespace: string, name: string): AuditedRequest[] {
    return this.requests().filter(
      (request) =>
        request.subresource === 'scale' &&
        request.namespace === namespace &&
        request.name === name &&
        writes.has(request.verb) &&
        request.code < 300,
    );
  }
}

interface AuditLine {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { resource?: string; subresource?: string; namespace?: string; name?: string };
  readonly responseStatus?: { code?: number };
}

function toRequest(line: string): AuditedRequest {
  const entry = JSON.parse(line) as AuditLine;
  return {
    verb: entry.verb,
    user: entry.user.username,
    resource: entry.objectRef?.resource ?? '',
    subresource: entry.objectRef?.subresource ?? '',
    namespace: entry.objectRef?.namespace ?? '',
    name: entry.objectRef?.name ?? '',
    code: entry.responseStatus?.code ?? 0,
  };
}
