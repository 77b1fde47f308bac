// Parcel, its default build.
export default { title: 'Parcel', build: [['parcel', 'build', 'index.html', '--cache-dir', '.cache', '--public-url', '/']], page: 'dist' };
