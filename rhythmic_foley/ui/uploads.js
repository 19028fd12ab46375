/* Gradio's upload fields judge a file by the type that the browser makes of its name, so that IMG.MOV or a name without
 * an ending is refused in the browser. The server judges by content: whatever a person gives is sent there. */
(() => {
    const field = (node) => node.querySelector?.(':scope > input[type=file]') ?? (node.parentElement && field(node.parentElement));

    function retyped(files, accepted) {
        const held = new DataTransfer();
        for (const file of files) {
            const fits = !accepted || accepted.split(',').some((one) => file.type.startsWith(one.trim().replace('*', '')));
            const type = file.type && fits ? file.type : accepted.split(',')[0].trim();
            held.items.add(new File([file], file.name, { type, lastModified: file.lastModified }));
        }
        return held.files;
    }

    const isField = (node) => node instanceof HTMLInputElement && node.type === 'file';

    // All before Gradio's own listeners, which are on the field and around it.
    addEventListener('click', ({ target }) => {
        if (!isField(target) || !target.accept) return;
        target.dataset.accepted = target.accept; // as the dialog would hide what the browser does not know
        target.accept = '';
    }, true);
    addEventListener('change', ({ target }) => {
        const accepted = isField(target) && (target.accept || target.dataset.accepted);
        if (accepted) target.files = retyped(target.files, accepted);
    }, true);
    addEventListener('drop', (event) => {
        const input = event.dataTransfer?.files.length && event.target instanceof Element && field(event.target);
        const accepted = input && (input.accept || input.dataset.accepted);
        if (!accepted) return;
        const files = retyped(event.dataTransfer.files, accepted);
        Object.defineProperty(event.dataTransfer, 'files', { value: files });
    }, true);
})();
