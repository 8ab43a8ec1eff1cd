// A camera: the first press of the button shows what it sees, the second takes the picture and lets the camera go.
function render({ model, el }) {
  const button = document.createElement("button");
  const video = document.createElement("video");
  const said = document.createElement("div");
  button.className = "jupyter-button lm-mod-flat zf-camera"; // looks as the buttons beside it
  Object.assign(button.style, { width: "calc(100% - 4px)", margin: "2px" });
  said.setAttribute("role", "status");
  video.muted = video.playsInline = true;
  video.style.maxWidth = "100%";
  let stream = null;

  function rest(text) {
    for (const track of stream ? stream.getTracks() : []) track.stop();
    stream = null;
    video.hidden = true;
    button.textContent = "take a picture with the camera";
    said.textContent = text;
  }

  async function begin() {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: true });
    } catch (error) {
      return rest("The browser gives no camera here; use a file instead.");
    }
    video.srcObject = stream;
    await video.play();
    video.hidden = false;
    button.textContent = "take it";
    said.textContent = "";
  }

  async function take() {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
    rest("");
    model.set("shot", new DataView(await blob.arrayBuffer()));
    model.save_changes();
  }

  button.addEventListener("click", () => (stream ? take() : begin()));
  el.append(video, button, said);
  rest("");
  return () => rest("");
}

export default { render };
