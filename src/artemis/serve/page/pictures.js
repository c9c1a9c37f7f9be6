
// Pictures as they go to the server: data URLs of JPEG, PNG or WebP, upright and of a size that a request can carry.

const sentKinds = ['image/jpeg', 'image/png', 'image/webp'];
const largestFile = 4 << 20;
const largestSide = 4096;

const asDataUrl = (blob) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(blob);
});

// Whether the EXIF part of a JPEG says that the picture is stored lying or mirrored. Browsers turn such a picture;
// a model sees it as it is stored.
async function isTurned(file) {
  const view = new DataView(await file.slice(0, 1 << 17).arrayBuffer());
  for (let at = 2; at + 18 < view.byteLength && view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
    if (view.getUint8(at + 1) !== 0xe1 || view.getUint32(at + 4) !== 0x45786966) continue;
    const tiff = at + 10;
    const little = view.getUint16(tiff) === 0x4949;
    const directory = tiff + view.getUint32(tiff + 4, little);
    if (directory + 2 > view.byteLength) return false;
    const entries = view.getUint16(directory, little);
    for (let i = 0, entry = directory + 2; i < entries && entry + 12 <= view.byteLength; ++i, entry += 12) {
      if (view.getUint16(entry, little) === 0x0112) return view.getUint16(entry + 8, little) > 1;
    }
    return false;
  }
  return false;
}

function redraw(bitmap, scale, kind) {
  const canvas = el('canvas', {width: Math.max(1, Math.round(bitmap.width * scale)), height: Math.max(1, Math.round(bitmap.height * scale))});
  const pen = canvas.getContext('2d');
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, kind, 0.92));
}

// {name, url} of a file; the name is safe to write anywhere. A file goes as it is where the server can read it; what is too large, lies on its side or
// is of another kind is drawn anew. Throws Error for what is no picture.
async function readPicture(file, number) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name || 'This'} is no picture that this browser can read.`);
  }
  const scale = Math.min(1, largestSide / Math.max(bitmap.width, bitmap.height));
  const asIs = sentKinds.includes(file.type) && file.size <= largestFile && scale === 1 &&
    !(file.type === 'image/jpeg' && await isTurned(file));
  const kind = file.type === 'image/jpeg' || file.size > largestFile ? 'image/jpeg' : 'image/png';
  const blob = asIs ? file : await redraw(bitmap, scale, kind);
  bitmap.close();
  const ending = blob.type.slice(6).replace('jpeg', 'jpg');
  const stem = (file.name || `picture-${number}`).replace(/\.[^.]*$/, '').replace(/[^\p{L}\p{N} ._-]/gu, '_');
  return {name: `${stem}.${ending}`, url: await asDataUrl(blob)};
}

// A scene of two things on a plain ground, as the small models of the laboratory learned from.
function drawScene() {
  const side = 128;
  const cell = side / 3;
  const take = (list) => list.splice(Math.floor(Math.random() * list.length), 1)[0];
  const canvas = el('canvas', {width: side, height: side});
  const pen = canvas.getContext('2d');
  pen.fillStyle = take(['#191919', '#e9e9e9']);
  pen.fillRect(0, 0, side, side);
  const colors = ['#db1f1f', '#f78c14', '#f2e026', '#269e38', '#33d9e0', '#2442db', '#8529a8', '#f785bf'];
  const shapes = ['circle', 'square', 'triangle', 'ring', 'star', 'cross'];
  const places = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  for (let things = 0; things < 2; ++things) {
    const place = take(places);
    pen.save();
    pen.translate((place % 3 + 0.5) * cell, (Math.floor(place / 3) + 0.5) * cell);
    pen.scale(17, 17);
    pen.fillStyle = take(colors);
    traceShape(pen, take(shapes));
    pen.fill('evenodd');
    pen.restore();
  }
  return {name: 'scene.png', url: canvas.toDataURL('image/png')};
}

// A shape of radius 1 around the origin.
function traceShape(pen, shape) {
  const corners = (count, ...radii) => {
    for (let i = 0; i < count; ++i) {
      const angle = 2 * Math.PI * i / count - Math.PI / 2;
      const radius = radii[i % radii.length];
      pen.lineTo(radius * Math.cos(angle), radius * Math.sin(angle));
    }
    pen.closePath();
  };
  pen.beginPath();
  if (shape === 'circle') pen.arc(0, 0, 0.92, 0, 7);
  if (shape === 'ring') {
    pen.arc(0, 0, 1, 0, 7);
    pen.closePath();
    pen.arc(0, 0, 0.52, 0, 7);
  }
  if (shape === 'square') pen.rect(-0.8, -0.8, 1.6, 1.6);
  if (shape === 'triangle') corners(3, 1.08);
  if (shape === 'star') corners(10, 1.1, 0.46);
  if (shape === 'cross') {
    const [thin, wide] = [0.32, 1];
    for (const [x, y] of [[1, 1], [-1, 1], [-1, -1], [1, -1]]) {
      const near = [[x * thin, y * wide], [x * thin, y * thin], [x * wide, y * thin]];
      (x === y ? near.reverse() : near).forEach(([a, b]) => pen.lineTo(a, b));
    }
    pen.closePath();
  }
}
