/** Longest header of a safetensors file, in bytes: the format's own limit. */
export const MAX_HEADER_BYTES: number = 100_000_000;

/** Longest index file, in bytes; the longest in use are near 20 MB, for models of a trillion parameters. */
export const MAX_INDEX_BYTES: number = 100_000_000;

/** Most tensors in a file or checkpoint; the largest models in use have some 200,000. */
export const MAX_TENSORS: number = 500_000;

/** Most shards in a checkpoint; the largest models in use have some 1,000. */
export const MAX_SHARDS: number = 10_000;

/** Most axes of a tensor, as in numpy and PyTorch. */
export const MAX_RANK: number = 64;

/**
 * Most brackets, commas and colons in a header or index. A tensor takes about 15; what is far above that
 * would make the parser's memory many times as large as the text.
 */
export const MAX_JSON_MARKS: number = 8_000_000;

/** Most bytes asked of a file in one call; longer reads go in pieces, so that they can be aborted. */
export const READ_PIECE_BYTES: number = 64 * 1024 * 1024;

/** Bytes that are held at once while a checkpoint is hashed. */
export const HASH_PIECE_BYTES: number = 4 * 1024 * 1024;

/** How long a read at once waits while nothing arrives, in milliseconds: a server may be slow, not silent. */
export const STALL_MS: number = 60_000;

/** Shards whose headers are read at the same time. */
export const SHARDS_AT_ONCE: number = 8;

/** Largest file that is fetched from a hub, in bytes: twenty times what the Hugging Face Hub lets one file have. */
export const MAX_HUB_FILE_BYTES: number = 2 ** 40;

/** Longest listing of a repository, in bytes; a file takes some 300, so this is room for 100,000 files. */
export const MAX_LISTING_BYTES: number = 32 * 1024 * 1024;

/** Requests for one file at the same time: more gain little, and hubs count them. */
export const HUB_CONNECTIONS: number = 4;

/** Questions about files that are asked of a hub at the same time. */
export const HUB_QUESTIONS_AT_ONCE: number = 8;

/** Redirects that are followed for one request; a renamed repository and a content network make two. */
export const MAX_REDIRECTS: number = 5;

/** Bytes that are asked of a server first: its answer tells the size, and most headers and configs are in it. */
export const HEAD_BYTES: number = 64 * 1024;

/** Bytes of a file on a server that are kept together. */
export const BLOCK_BYTES: number = 1024 * 1024;

/** Most blocks in one request; what is longer is read without keeping it. */
export const BLOCKS_AHEAD: number = 16;

/** Most blocks of one folder that are kept. */
export const BLOCKS_KEPT: number = 64;

/** Largest file that is fetched whole from a server that sends no parts: what browsers hold in one array. */
export const MAX_WHOLE_BYTES: number = 2 ** 31;

/** Most entries of a zip archive; a checkpoint in torch's format has one for each tensor, and a few more. */
export const MAX_ZIP_ENTRIES: number = 1_000_000;

/** Longest directory of a zip archive, in bytes: room for that many entries with names of torch's length. */
export const MAX_ZIP_DIRECTORY_BYTES: number = 100_000_000;

/** Most bytes that one byte of deflated data can become: a match of 258 bytes takes two bits (RFC 1951, 3.2.5). */
export const MAX_DEFLATE_RATIO: number = 1032;

/** Longest pickle of a torch archive, in bytes; it holds names and sizes, some 300 bytes a tensor, no numbers. */
export const MAX_PICKLE_BYTES: number = 100_000_000;

/** Most values that a pickle may make, so that what it makes is of the order of its own length. */
export const MAX_PICKLE_VALUES: number = 20_000_000;

/** Most values inside each other in a pickle; state dicts have four or five. */
export const MAX_PICKLE_DEPTH: number = 64;

/** Longest header of an npy file, in bytes: numpy itself refuses those above 10,000 that it is not told to trust. */
export const MAX_NPY_HEADER_BYTES: number = 10_000;

/** Most bytes that a packed model takes once it is unpacked: it is held in memory, and is meant for small models. */
export const MAX_PACKED_BYTES: number = 2 ** 30;
