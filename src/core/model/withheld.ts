/** How every answer begins that withholds a size on purpose. A follower repeats it in its own status: so we know that it hears us. */
export const withheldPrefix = 'forewarm withholds the size';
